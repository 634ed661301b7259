/** Secrets of the server that outlive a restart: files that only their owner can read. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The content of `file`; when there is none, what `make` returns is stored there first. */
export async function keepFile(file: string, make: () => string | Promise<string>): Promise<string> {
  const found = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return found || replaceFile(file, await make());
}

/** Stores `content` so that a crash leaves the old file or the new one. Returns it. */
export async function replaceFile(file: string, content: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, content, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return content;
}
