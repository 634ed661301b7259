import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { listFunctions, PROJECT_FOLDER } from './functions.ts';

test('every function of serverless.yml has its source', () => {
  const functions = listFunctions();
  assert.ok(functions.length > 0);
  for (const { name, entry, artifact } of functions) {
    assert.ok(existsSync(entry), `functions.${name}: no ${entry}`);
    assert.equal(artifact, join(PROJECT_FOLDER, 'dist', `${name}.zip`));
  }
});

const wrong: [yaml: string, problem: RegExp][] = [
  ['functions: {image-policy: {role: !Ref Role}}', /"image-policy"[\s\S]*package/],
  ['functions: {../x: {package: {artifact: x.zip}}}', /lower-case letters, digits and dashes/],
  ['service: longshore', /functions/],
];
for (const [yaml, problem] of wrong) {
  test(`refused: ${yaml}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'longshore-functions-'));
    try {
      await writeFile(join(folder, 'serverless.yml'), yaml);
      assert.throws(() => listFunctions(folder), problem);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}
