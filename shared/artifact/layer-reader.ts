/** Reads the tar of a layer into a tree (OCI 13, 26.2). `tar` parses; what it lets pass and we must not is caught here. */
import type { Parser } from 'tar/parse';
import type { ReadEntry } from 'tar/read-entry';
import { ArtifactError, quoted } from './artifact-error.ts';
import { MAGIC, magicOf } from './decompression.ts';
import { ADVICE, cleanName, FileTree } from './file-tree.ts';
import type { Spool } from './spool.ts';
import { BLOCK } from './tar-header.ts';

/** How much of a layer is unpacked at most. */
export interface LayerLimits {
  /** Bytes of the layer as the registry has it. */
  layerBytes: number;
  /** Sum of the sizes of its files. */
  extractedBytes: number;
  /** Files, directories and links. */
  extractedEntries: number;
}

/** Kept: to ask for a module again takes longer than to read a small archive. */
let loaded: Promise<typeof import('tar/parse')> | undefined;

/** Loads what reads archives: a function that only copies, or that has nothing new, never needs it. */
export async function createLayerReader(spool: Spool, limits: LayerLimits): Promise<LayerReader> {
  loaded ??= import('tar/parse');
  const { Parser } = await loaded;
  return new LayerReader(new Parser(), spool, limits);
}

/** Takes the uncompressed bytes piece by piece, in order. Methods throw `ArtifactError`. */
export class LayerReader {
  readonly tree: FileTree;
  /** Symbolic links that were skipped. */
  readonly links = new Set<string>();
  readonly #parser: Parser;
  readonly #spool: Spool;
  readonly #limits: LayerLimits;
  /** A file of nothing but headers and padding must end, too. */
  readonly #maxRead: number;
  /** Bytes that the parser gets together with the next ones. */
  #held: Buffer = Buffer.alloc(0);
  #started = false;
  #read = 0;
  #extracted = 0;
  /** Where the spool has to end when every file was read to its end. */
  #expected = 0;
  #ended = false;
  /** Keys of the extended header that the next entry must show. */
  #extended: string[] = [];

  constructor(parser: Parser, spool: Spool, limits: LayerLimits) {
    this.#parser = parser;
    this.#spool = spool;
    this.#limits = limits;
    this.#maxRead = limits.extractedBytes + limits.extractedEntries * 4 * BLOCK + 64 * 1024 * 1024;
    this.tree = new FileTree(limits.extractedEntries);
    parser.on('entry', (entry: ReadEntry) => this.#take(entry));
    parser.on('ignoredEntry', (entry: ReadEntry) => {
      throw unsupported(entry);
    });
    parser.on('meta', (text: string) => this.#checkExtended(text));
    parser.on('eof', () => {
      this.#ended = true;
    });
    parser.on('warn', (_code: string, message: string) => {
      throw malformed(message);
    });
  }

  write(chunk: Buffer): void {
    this.#read += chunk.length;
    if (this.#read > this.#maxRead) {
      throw new ArtifactError('limit', `the layer unpacks to more than ${this.#maxRead} bytes: ${ADVICE}`);
    }
    // The parser would collect what follows the end of the archive.
    if (this.#ended) return;
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const ready = this.#isTar(bytes) ? bytes.length - unfinishedBytes(bytes) : 0;
    this.#held = bytes.subarray(ready);
    if (ready > 0) this.#guard(() => this.#parser.write(bytes.subarray(0, ready)));
  }

  /** To be called behind the last piece. @throws ArtifactError when the archive stops in the middle */
  end(): void {
    if (this.#ended || this.#read === 0) return;
    this.#guard(() => {
      if (this.#held.length > 0) this.#parser.write(this.#held);
      this.#parser.end();
    });
    if (this.#read % BLOCK !== 0 || this.#spool.length !== this.#expected) throw malformed('unexpected end');
  }

  /** False: too few bytes to tell. The parser would unpack what is compressed once more, and keep to no limit. */
  #isTar(start: Buffer): boolean {
    if (!this.#started && start.length >= MAGIC) {
      if (magicOf(start) !== 'none') throw malformed('it is compressed twice');
      this.#started = true;
    }
    return this.#started;
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      throw error instanceof ArtifactError ? error : malformed((error as Error).message, error);
    }
  }

  #take(entry: ReadEntry): void {
    this.#checkNext(entry);
    const path = cleanName(entry.path);
    switch (entry.type) {
      case 'File':
      case 'OldFile':
      case 'ContiguousFile':
        this.#takeFile(path, entry);
        return;
      case 'Directory':
        this.tree.addDirectory(path);
        break;
      case 'Link':
        this.#takeHardLink(path, entry);
        break;
      case 'SymbolicLink':
        this.tree.count(path);
        this.links.add(path);
        break;
      default:
        throw unsupported(entry);
    }
    entry.resume();
  }

  #takeFile(path: string, entry: ReadEntry): void {
    if (path === '') throw new ArtifactError('entry', 'the layer has a file where its root directory is');
    const { size, mode = 0 } = entry;
    if (!Number.isSafeInteger(size)) throw malformed(`the size of ${quoted(path)} is no number of bytes`);
    this.#addSize(path, size);
    const offset = this.#expected;
    this.#expected += size;
    this.tree.addFile(path, { kind: 'file', executable: (mode & 0o111) !== 0, offset, size });
    this.links.delete(path);
    entry.on('data', (chunk: Buffer) => this.#spool.append(chunk));
  }

  /** A copy of the file that it names, without copying: both have the same place in the spool. */
  #takeHardLink(path: string, entry: ReadEntry): void {
    const target = cleanName(entry.linkpath ?? '');
    if (this.links.has(target)) {
      this.tree.count(path);
      this.links.add(path);
      return;
    }
    const file = this.tree.fileAt(target);
    if (!file || path === '') {
      throw new ArtifactError(
        'entry',
        `the hard link ${quoted(path)} names ${quoted(target)}, which is no file before it in the layer`,
      );
    }
    this.#addSize(path, file.size);
    this.tree.addFile(path, file);
    this.links.delete(path);
  }

  #addSize(path: string, size: number): void {
    const { extractedBytes } = this.#limits;
    this.#extracted += size;
    if (this.#extracted <= extractedBytes) return;
    throw new ArtifactError(
      'limit',
      `the files of the layer have more than ${extractedBytes} bytes (max-extracted-bytes), reached at ${quoted(path)}: ${ADVICE}`,
    );
  }

  /**
   * The parser reads extended headers line by line and drops what it does not understand. A path, size or sparse map that
   * gets lost that way would give a file another name or content than other readers see.
   */
  #checkExtended(text: string): void {
    for (const [, key, value] of text.matchAll(/(?:^|\n)\d+ (path|linkpath|size|GNU\.sparse\.)([^\n]*)/g)) {
      if (key === 'GNU.sparse.') throw malformed('sparse files are not supported');
      if (value!.includes('\0')) throw malformed(`the ${key} in an extended header contains NUL`);
      if (value!.startsWith('=')) this.#extended.push(key!);
    }
  }

  #checkNext(entry: ReadEntry): void {
    const known = { ...entry.globalExtended, ...entry.extended } as Record<string, unknown>;
    for (const key of this.#extended) {
      if (known[key] === undefined)
        throw malformed(`the ${key} in the extended header of ${quoted(entry.path)}`);
    }
    this.#extended = [];
    if (entry.globalExtended?.size !== undefined) throw malformed('a size in a global header');
  }
}

/**
 * How many bytes at the end of a chunk begin a character that the next chunk completes: the parser reads the chunks of an
 * extended header, which has the names beyond ASCII, as a text each.
 */
function unfinishedBytes(chunk: Buffer): number {
  for (let count = 1; count <= 3 && count <= chunk.length; count++) {
    const byte = chunk[chunk.length - count]!;
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > count ? count : 0;
    if (byte < 0x80) return 0;
  }
  return 0;
}

function unsupported(entry: ReadEntry): ArtifactError {
  const { type, path } = entry;
  const what = type === 'Unsupported' ? 'an entry of unknown type' : `a ${type}`;
  return new ArtifactError('entry', `the layer holds ${quoted(path)}, ${what}, which cannot be extracted`);
}

function malformed(why: string, cause?: unknown): ArtifactError {
  return new ArtifactError('malformed', `the layer is no sound tar archive: ${why}`, { cause });
}
