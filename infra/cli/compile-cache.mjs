// What Node has compiled of us, made by `npm ci`: a start then takes 0.4 s instead of 1 s, and 30 MiB less, because nothing
// has to strip types. It lies below node_modules, as what other tools build does, and goes with it.
import { existsSync } from 'node:fs';
import module from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export const COMPILE_CACHE = join(root, 'node_modules', '.cache', 'longshore');

/** Has this process use the cache where `npm ci` has made one: a start itself leaves nothing behind. */
export function useCompileCache() {
  if (module.enableCompileCache && existsSync(COMPILE_CACHE)) module.enableCompileCache(COMPILE_CACHE);
}
