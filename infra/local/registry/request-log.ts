/** What a server of ours was asked, so that tests can count requests. */

export interface RequestRecord {
  method: string;
  /** Without the query. */
  path: string;
  /** With its question mark; empty: none. */
  query: string;
  /** Of the answer; 0: the connection was cut before one. */
  status: number;
  /** Who asked; undefined: nobody that the server knows. */
  user: string | undefined;
  userAgent: string | undefined;
  /** Where the server keeps it: what was sent, and when (RFC 3339). */
  body?: unknown;
  time?: string;
}

/** Enough to look at after a test; a benchmark sends many more. */
const KEPT_RECORDS = 10_000;

export class RequestLog {
  #records: RequestRecord[] = [];
  #counts = new Map<string, number>();

  /** @returns the record, whose status and user are filled in when they are known */
  add(record: RequestRecord): RequestRecord {
    const key = `${record.method} ${record.path}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    this.#records.push(record);
    if (this.#records.length > 2 * KEPT_RECORDS) this.#records = this.#records.slice(-KEPT_RECORDS);
    return record;
  }

  /** The latest requests, oldest first: at least the last 10,000. */
  get records(): readonly RequestRecord[] {
    return this.#records;
  }

  /**
   * Requests since the start or the last `clear`.
   * @param method `GET`, …; `*`: any
   * @param path the whole path, or an expression; any when left out
   */
  count(method = '*', path?: string | RegExp): number {
    let total = 0;
    for (const [key, count] of this.#counts) {
      const [itsMethod, itsPath] = key.split(' ', 2) as [string, string];
      if (method !== '*' && method !== itsMethod) continue;
      if (path === undefined || (typeof path === 'string' ? path === itsPath : path.test(itsPath))) {
        total += count;
      }
    }
    return total;
  }

  clear(): void {
    this.#records = [];
    this.#counts.clear();
  }
}
