/**
 * The server's memory on disk: an append-only file of JSON lines, rewritten from time to time. Writes are gathered
 * and do not hold up requests; they are on disk within about 50 ms, and all of them after `close`.
 */
import { type FileHandle, mkdir, open, readFile, rename, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';

const GATHER_MS = 20;
/** The file is rewritten when it has this many lines, and four times as many as there are objects. */
const COMPACT_LINES = 5_000;

/** A line: an object was written, or removed (its collection, its key, the version of the removal). */
export type JournalEntry =
  | { collection: string; object: Record<string, unknown> }
  | { collection: string; removed: string; version: number };

export interface JournalOptions {
  /** How many lines a rewrite would have now. */
  size: () => number;
  /** The lines that hold the whole state of this moment, for a rewrite. */
  snapshot: () => string[];
  /** Told once when the disk refuses; later writes are tried again. */
  onError: (error: Error) => void;
}

/** The text of an entry, from the object's JSON (whole, with braces). */
export function putLine(collection: string, json: string): string {
  return `{"collection":${JSON.stringify(collection)},"object":${json}}`;
}

export function removeLine(collection: string, removed: string, version: number): string {
  return JSON.stringify({ collection, removed, version });
}

/**
 * Reads every entry of a journal. A torn last line, as a crash leaves it, is cut off.
 * @throws Error that names file and line when another line is damaged
 */
export async function readJournal(file: string): Promise<JournalEntry[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const lines = text.split('\n');
  const entries: JournalEntry[] = [];
  let good = 0;
  for (const [index, line] of lines.entries()) {
    if (line === '') continue;
    const entry = parseLine(line);
    if (!entry && index < lines.length - 2) throw new Error(`${file}: line ${index + 1} is damaged`);
    if (!entry) break;
    entries.push(entry);
    good += Buffer.byteLength(line) + 1;
  }
  if (good < Buffer.byteLength(text)) await truncate(file, good);
  return entries;
}

function parseLine(line: string): JournalEntry | undefined {
  try {
    return JSON.parse(line) as JournalEntry;
  } catch {
    return undefined;
  }
}

/** An open journal. */
export class Journal {
  readonly #file: string;
  readonly #options: JournalOptions;
  #handle: FileHandle | undefined;
  #pending: string[] = [];
  #lines: number;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();
  #failed = false;

  private constructor(file: string, handle: FileHandle, lines: number, options: JournalOptions) {
    this.#file = file;
    this.#handle = handle;
    this.#lines = lines;
    this.#options = options;
  }

  /** @param lines how many the file has, from `readJournal` */
  static async open(file: string, lines: number, options: JournalOptions): Promise<Journal> {
    await mkdir(dirname(file), { recursive: true });
    return new Journal(file, await open(file, 'a', 0o600), lines, options);
  }

  append(line: string): void {
    this.#pending.push(line);
    this.#timer ??= setTimeout(() => this.flush(), GATHER_MS).unref();
  }

  /** Resolves when everything appended so far is on disk, or was refused by it. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#work = this.#work.then(() => this.#write());
    return this.#work;
  }

  async close(): Promise<void> {
    await this.flush();
    await this.#handle?.close();
    this.#handle = undefined;
  }

  async #write(): Promise<void> {
    const lines = this.#pending;
    if (lines.length === 0 || !this.#handle) return;
    this.#pending = [];
    try {
      if (this.#isDue(this.#lines + lines.length)) await this.#rewrite(this.#options.snapshot());
      else {
        await this.#handle.appendFile(toText(lines));
        await this.#handle.datasync();
        this.#lines += lines.length;
      }
      this.#failed = false;
    } catch (error) {
      this.#pending = [...lines, ...this.#pending];
      if (!this.#failed) this.#options.onError(error as Error);
      this.#failed = true;
    }
  }

  #isDue(lines: number): boolean {
    return lines >= COMPACT_LINES && lines > 4 * this.#options.size();
  }

  /** The new file takes the old one's place only when it is whole. What is appended meanwhile waits. */
  async #rewrite(live: string[]): Promise<void> {
    const next = `${this.#file}.new`;
    const handle = await open(next, 'w', 0o600);
    try {
      await handle.writeFile(toText(live));
      await handle.datasync();
      await rename(next, this.#file);
    } finally {
      await handle.close();
    }
    await this.#handle?.close();
    this.#handle = await open(this.#file, 'a', 0o600);
    this.#lines = live.length;
  }
}

const toText = (lines: string[]) => `${lines.join('\n')}\n`;
