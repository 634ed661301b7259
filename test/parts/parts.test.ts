import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { needs, part } from './parts.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'longshore-parts-'));
  for (const name of ['a-program', 'only-a-file']) await writeFile(path.join(folder, name), '');
  await chmod(path.join(folder, 'a-program'), 0o755);
  process.env.LONGSHORE_TOOLS = folder;
});
after(async () => {
  delete process.env.LONGSHORE_TOOLS;
  await rm(folder, { recursive: true });
});

test('a part is a program in one of the folders', () => {
  assert.equal(part('a-program'), path.join(folder, 'a-program'));
  assert.equal(part('only-a-file'), undefined);
  assert.equal(part('no-such-program'), undefined);
  assert.match(part('sh')!, /\/sh$/);
});

test('what is missing skips a test with the text that the runner knows', () => {
  assert.deepEqual(needs('a-program', 'sh'), { skip: false });
  assert.deepEqual(needs('a-program', 'no-such-program'), {
    skip: 'needs a-program, no-such-program: set LONGSHORE_TOOLS or KUBEBUILDER_ASSETS',
  });
});
