/**
 * Just enough of the ZIP format for a Lambda package: whole files in memory, deflated, no directories, no ZIP64.
 * Times are fixed and entries are ordered by name, so that equal files give equal bytes and a deployment of
 * unchanged code changes nothing.
 */
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';

/** Content by path; paths are relative, with `/` between their segments. */
export type ZipFiles = ReadonlyMap<string, Uint8Array>;

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END_RECORD = 0x06054b50;
const LOCAL_SIZE = 30;
const CENTRAL_SIZE = 46;
const END_SIZE = 22;

const VERSION = 20;
const MADE_BY_UNIX = (3 << 8) | VERSION;
const UTF8_NAMES = 0x0800;
const DEFLATE = 8;
/** 1980-01-01, the first day that the format knows. */
const FIRST_DAY = 0x0021;
const REGULAR_FILE_644 = (0o100644 << 16) >>> 0;

/** Packs `files` into one archive. */
export function createZip(files: ZipFiles): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [path, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const name = Buffer.from(path);
    const packed = deflateRawSync(content, { level: 9 });
    const facts = entryFacts(content, packed, name);

    const header = Buffer.alloc(LOCAL_SIZE);
    header.writeUInt32LE(LOCAL_HEADER, 0);
    facts.copy(header, 4);
    local.push(header, name, packed);

    const record = Buffer.alloc(CENTRAL_SIZE);
    record.writeUInt32LE(CENTRAL_HEADER, 0);
    record.writeUInt16LE(MADE_BY_UNIX, 4);
    facts.copy(record, 6);
    record.writeUInt32LE(REGULAR_FILE_644, 38);
    record.writeUInt32LE(offset, 42);
    central.push(record, name);
    offset += LOCAL_SIZE + name.length + packed.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(END_SIZE);
  end.writeUInt32LE(END_RECORD, 0);
  end.writeUInt16LE(files.size, 8);
  end.writeUInt16LE(files.size, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, directory, end]);
}

/** The 26 bytes that both headers of an entry share: version to read it, flags, method, time, CRC, sizes. */
function entryFacts(content: Uint8Array, packed: Buffer, name: Buffer): Buffer {
  const facts = Buffer.alloc(26);
  facts.writeUInt16LE(VERSION, 0);
  facts.writeUInt16LE(UTF8_NAMES, 2);
  facts.writeUInt16LE(DEFLATE, 4);
  facts.writeUInt16LE(FIRST_DAY, 8);
  facts.writeUInt32LE(crc32(content), 10);
  facts.writeUInt32LE(packed.length, 14);
  facts.writeUInt32LE(content.length, 18);
  facts.writeUInt16LE(name.length, 22);
  return facts;
}

/**
 * Unpacks what `createZip` made.
 * @throws Error when the bytes are no such archive or an entry is damaged
 */
export function readZip(bytes: Buffer): Map<string, Buffer> {
  const end = bytes.length - END_SIZE;
  if (end < 0 || bytes.readUInt32LE(end) !== END_RECORD) throw new Error('not a zip archive');
  const files = new Map<string, Buffer>();
  let at = bytes.readUInt32LE(end + 16);
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (bytes.readUInt32LE(at) !== CENTRAL_HEADER) throw new Error('zip archive: damaged directory');
    const nameEnd = at + CENTRAL_SIZE + bytes.readUInt16LE(at + 28);
    const path = bytes.toString('utf8', at + CENTRAL_SIZE, nameEnd);
    const start = bytes.readUInt32LE(at + 42);
    const dataStart = start + LOCAL_SIZE + bytes.readUInt16LE(start + 26) + bytes.readUInt16LE(start + 28);
    const content = inflateRawSync(bytes.subarray(dataStart, dataStart + bytes.readUInt32LE(at + 20)));
    if (crc32(content) !== bytes.readUInt32LE(at + 16)) throw new Error(`zip archive: '${path}' is damaged`);
    files.set(path, content);
    at = nameEnd;
  }
  return files;
}
