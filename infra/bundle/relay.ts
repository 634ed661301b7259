/** `npm run package:relay`: the relay for its image, in dist/relay. It needs Node and nothing else. */
import { rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { messageOf } from '../../shared/runtime/errors.ts';
import { type Bundle, bundleEntry } from './bundle.ts';
import { writeFiles } from './cold-start.ts';
import { PROJECT_FOLDER } from './functions.ts';

/** What the container runs; the Dockerfile says it too (a test compares). */
export const RELAY_FILE = 'relay.mjs';

const FOLDER = join(PROJECT_FOLDER, 'dist', 'relay');

export function bundleRelay(): Promise<Bundle> {
  return bundleEntry(join(PROJECT_FOLDER, 'infra', 'relay', 'main.ts'), RELAY_FILE);
}

if (import.meta.main) {
  try {
    const { files } = await bundleRelay();
    await rm(FOLDER, { recursive: true, force: true });
    await writeFiles(files, FOLDER);
    const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
    process.stdout.write(`${relative(PROJECT_FOLDER, FOLDER)}  ${(bytes / 1e6).toFixed(1)} MB\n`);
  } catch (error) {
    process.stderr.write(`package:relay: ${messageOf(error)}\n`);
    process.exitCode = 1;
  }
}
