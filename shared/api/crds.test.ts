import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { crdFileName, crdYaml } from './crd.ts';
import { KINDS } from './kinds.ts';

const FOLDER = join(import.meta.dirname, '../../crds');

test('crds/ is what the kinds say: run `npm run crds` after a change of shared/api', () => {
  assert.deepEqual(readdirSync(FOLDER).sort(), KINDS.map(crdFileName).sort());
  for (const kind of KINDS) {
    assert.equal(readFileSync(join(FOLDER, crdFileName(kind)), 'utf8'), crdYaml(kind), crdFileName(kind));
  }
});
