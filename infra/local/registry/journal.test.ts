import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openFileJournal } from './journal.ts';

test('the journal is read back, without a line that a crash has cut, and is compacted', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-journal-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'catalog.jsonl');
  const first = await openFileJournal(file);
  for (const digest of ['sha256:1', 'sha256:2', 'sha256:3']) {
    await first.commit([{ change: 'tags', repository: 'app', tags: ['latest'], digest }]);
  }
  await first.commit([{ change: 'tags', repository: 'app', tags: ['stable'], digest: 'sha256:3' }]);
  await first.close();
  await appendFile(file, '{"change":"tags","repository":"app","ta');

  const second = await openFileJournal(file);
  t.after(() => second.close());
  assert.deepEqual(
    [...second.catalog.repository('app')!.tags],
    [
      ['latest', 'sha256:3'],
      ['stable', 'sha256:3'],
    ],
  );
  assert.equal((await readFile(file, 'utf8')).split('\n').length, 2, 'one line is left of four');
});

test('changes that come together are kept in their order', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-journal-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'catalog.jsonl');
  const journal = await openFileJournal(file);
  const digests = Array.from({ length: 20 }, (_, index) => `sha256:${index}`);
  const commits = digests.map((digest) =>
    journal.commit([{ change: 'tags', repository: 'app', tags: ['latest'], digest }]),
  );
  await Promise.all(commits);
  await journal.close();
  const again = await openFileJournal(file);
  t.after(() => again.close());
  assert.equal(again.catalog.repository('app')!.tags.get('latest'), 'sha256:19');
});
