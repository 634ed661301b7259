/** Keeps a catalog on disk: one JSON line a change, appended before the change counts; compacted at every start. */
import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Catalog, type CatalogChange } from './catalog.ts';

export interface CatalogJournal {
  catalog: Catalog;
  /** Makes changes last, then applies them to the catalog. Rejects, and applies nothing, when they cannot be kept. */
  commit(changes: CatalogChange[]): Promise<void>;
  close(): Promise<void>;
}

/** A catalog that is forgotten with the process. */
export function openMemoryJournal(): CatalogJournal {
  const catalog = new Catalog();
  return {
    catalog,
    async commit(changes) {
      for (const change of changes) catalog.apply(change);
    },
    async close() {},
  };
}

/** @param file path of the journal; made when missing. A last line that a crash has cut is left out. */
export async function openFileJournal(file: string): Promise<CatalogJournal> {
  await mkdir(dirname(file), { recursive: true });
  const catalog = await replay(file);
  const compacted = `${file}.new`;
  await writeFile(compacted, toLines(catalog.changes()));
  await rename(compacted, file);
  const handle = await open(file, 'a');
  let last: Promise<void> = Promise.resolve();
  return {
    catalog,
    commit(changes) {
      const write = last.then(async () => {
        await handle.appendFile(toLines(changes));
        for (const change of changes) catalog.apply(change);
      });
      last = write.catch(() => {});
      return write;
    },
    async close() {
      await last;
      await handle.close();
    },
  };
}

async function replay(file: string): Promise<Catalog> {
  const catalog = new Catalog();
  for (const line of (await readIfThere(file)).split('\n')) {
    try {
      if (line !== '') catalog.apply(JSON.parse(line) as CatalogChange);
    } catch {
      // The process died while it wrote this line: nobody was told that the change was kept.
    }
  }
  return catalog;
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function toLines(changes: Iterable<CatalogChange>): string {
  let lines = '';
  for (const change of changes) lines += `${JSON.stringify(change)}\n`;
  return lines;
}
