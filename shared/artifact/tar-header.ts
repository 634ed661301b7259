/**
 * Headers of the archive that we write, bit for bit as OCI 15.2 says. Own code: `tar` ends numbers with a blank and a NUL,
 * which gives other bytes for the same tree.
 */

export const BLOCK = 512;

const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
/** Largest size that eleven octal digits hold. */
const MAX_OCTAL_SIZE = 0o77777777777;

const MODES = { directory: '0000750', executable: '0000700', plain: '0000600' };

export interface HeaderFields {
  /** Relative to the root, without a slash at the end; the root is `.`. */
  path: string;
  kind: keyof typeof MODES;
  /** Bytes of content; 0 for a directory. */
  size: number;
}

/** Room that the blocks of one entry need at most. @param pathBytes length of its path in UTF-8 */
export function headerRoom(pathBytes: number): number {
  return 3 * BLOCK + padded(pathBytes + 64);
}

/** The next multiple of a block. */
export function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/**
 * Writes the header of one entry: one block, or three and more where the path or the size needs an extended header.
 * @param target gets it at `at` and must have `headerRoom` there
 * @returns the position behind it
 */
export function writeHeader(target: Buffer, at: number, { path, kind, size }: HeaderFields): number {
  const place = placeOf(path);
  const large = size > MAX_OCTAL_SIZE;
  let records = '';
  if (!place) records += record('path', path);
  if (large) records += record('size', String(size));
  const start = records === '' ? at : writeExtended(target, at, path, records);
  const { name, prefix } = place ?? { name: shortened(asciiOf(path)), prefix: '' };
  startBlock(target, start, name, MODES[kind], large ? 0 : size);
  target[start + 156] = kind === 'directory' ? 0x35 : 0x30;
  target.write('0000000', start + 329, 7, 'latin1');
  target.write('0000000', start + 337, 7, 'latin1');
  target.write(prefix, start + 345, PREFIX_BYTES, 'latin1');
  return endBlock(target, start);
}

/** Where a path fits into the fields of a header; undefined: nowhere. */
function placeOf(path: string): { name: string; prefix: string } | undefined {
  if (!isAscii(path)) return undefined;
  if (path.length <= NAME_BYTES) return { name: path, prefix: '' };
  const slash = path.lastIndexOf('/', PREFIX_BYTES);
  if (slash <= 0 || path.length - slash - 1 > NAME_BYTES) return undefined;
  return { name: path.slice(slash + 1), prefix: path.slice(0, slash) };
}

/** The extended header (PAX) with `records`; it stands before the header it belongs to. */
function writeExtended(target: Buffer, at: number, path: string, records: string): number {
  const slash = path.lastIndexOf('/') + 1;
  const name = asciiOf(`${path.slice(0, slash)}PaxHeaders.0/${path.slice(slash)}`);
  const size = Buffer.byteLength(records);
  startBlock(target, at, name.slice(0, NAME_BYTES).replace(/\/+$/, ''), '0000000', size);
  target[at + 156] = 0x78;
  const body = endBlock(target, at);
  const end = body + padded(size);
  target.write(records, body, size);
  target.fill(0, body + size, end);
  return end;
}

/** `<len> <key>=<value>\n`, where the length counts its own digits too. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes + String(bytes).length;
  length = bytes + String(length).length;
  return `${length}${rest}`;
}

function startBlock(target: Buffer, at: number, name: string, mode: string, size: number): void {
  target.fill(0, at, at + BLOCK);
  target.write(name, at, NAME_BYTES, 'latin1');
  target.write(mode, at + 100, 7, 'latin1');
  target.write('0000000', at + 108, 7, 'latin1');
  target.write('0000000', at + 116, 7, 'latin1');
  target.write(size.toString(8).padStart(11, '0'), at + 124, 11, 'latin1');
  target.write('00000000000', at + 136, 11, 'latin1');
  target.write('ustar\u000000', at + 257, 8, 'latin1');
}

/** The checksum counts itself as eight blanks. */
function endBlock(target: Buffer, at: number): number {
  const end = at + BLOCK;
  let sum = 8 * 0x20;
  for (let index = at; index < end; index++) sum += target[index]!;
  target.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, at + 148, 8, 'latin1');
  return end;
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) return false;
  return true;
}

function asciiOf(text: string): string {
  return isAscii(text) ? text : text.replace(/[^\0-\x7f]/g, '');
}

/** Cut to the field. A slash at its end would make a directory of the entry for old readers. */
function shortened(name: string): string {
  const cut = name.slice(0, NAME_BYTES);
  return name.length > NAME_BYTES ? cut.replace(/\/+$/, '') : cut;
}
