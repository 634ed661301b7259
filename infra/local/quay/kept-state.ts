/** The state of a Quay, kept over a restart. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { QuayState } from './state.ts';

export interface KeptState {
  state: QuayState;
  /** Resolves when the state of now is on disk. */
  save(): Promise<void>;
}

/** @throws Error that names the file when it holds no state; @param file left out: nothing is kept; @param initial where there is no such file yet */
export async function openKeptState(file: string | undefined, initial: QuayState): Promise<KeptState> {
  if (file === undefined) return { state: initial, async save() {} };
  const found = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  await mkdir(dirname(file), { recursive: true });
  let last: Promise<void> = Promise.resolve();
  let written = found;
  const kept: KeptState = {
    state: found === undefined ? initial : parseState(file, found),
    save() {
      last = last.then(async () => {
        const text = JSON.stringify(kept.state);
        if (text === written) return;
        await writeFile(`${file}.new`, text, { mode: 0o600 });
        await rename(`${file}.new`, file);
        written = text;
      });
      return last;
    },
  };
  return kept;
}

function parseState(file: string, text: string): QuayState {
  try {
    return JSON.parse(text) as QuayState;
  } catch (error) {
    throw new Error(`${file} is damaged: remove it, and the local Quay begins anew`, { cause: error });
  }
}
