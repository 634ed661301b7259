/** `npm run crds`: writes `crds/` from the kinds. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crdFileName, crdYaml } from './crd.ts';
import { KINDS } from './kinds.ts';

const folder = join(import.meta.dirname, '../../crds');
mkdirSync(folder, { recursive: true });
for (const kind of KINDS) {
  const file = join(folder, crdFileName(kind));
  writeFileSync(file, crdYaml(kind));
  process.stdout.write(`${file}\n`);
}
