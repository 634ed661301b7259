import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Journal, putLine, readJournal, removeLine } from './journal.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'longshore-journal-'));
  file = path.join(folder, 'objects.jsonl');
});
afterEach(() => rm(folder, { recursive: true }));

const noCompaction = { size: () => 0, snapshot: () => [], onError: (error: Error) => assert.fail(error) };
const line = (name: string) => putLine('g/things', JSON.stringify({ metadata: { name } }));
const entry = (name: string) => ({ collection: 'g/things', object: { metadata: { name } } });

test('there is no file yet: no entries', async () => {
  assert.deepEqual(await readJournal(file), []);
});

test('what was appended is read back in order', async () => {
  const journal = await Journal.open(file, 0, noCompaction);
  journal.append(line('a'));
  journal.append(removeLine('g/things', 'a', 7));
  await journal.flush();
  journal.append(line('b'));
  await journal.close();
  const removed = { collection: 'g/things', removed: 'a', version: 7 };
  assert.deepEqual(await readJournal(file), [entry('a'), removed, entry('b')]);
});

test('a torn last line is dropped, and does not spoil the next one', async () => {
  const whole = line('a');
  for (const torn of [whole.slice(0, -1), whole.slice(0, 5), '{']) {
    await writeFile(file, `${whole}\n${torn}`);
    assert.deepEqual(await readJournal(file), [entry('a')]);
    await appendFile(file, `${line('b')}\n`);
    assert.deepEqual(await readJournal(file), [entry('a'), entry('b')]);
  }
});

test('a damaged line before the last is an error that names it', async () => {
  await writeFile(file, `${line('a')}\n{"collection"\n${line('b')}\n`);
  await assert.rejects(readJournal(file), /objects\.jsonl: line 2 is damaged/);
});

test('a journal of mostly old lines is rewritten, and nothing that comes meanwhile is lost', async () => {
  const snapshot = () => {
    queueMicrotask(() => journal.append(line('new')));
    return [line('live')];
  };
  const journal = await Journal.open(file, 0, { ...noCompaction, size: () => 1, snapshot });
  for (let i = 0; i < 5_000; i++) journal.append(line(`old-${i}`));
  await journal.flush();
  await journal.close();
  assert.deepEqual(await readJournal(file), [entry('live'), entry('new')]);
});

test('a disk that refuses is reported once; the lines are written when it works again', async () => {
  const errors: Error[] = [];
  const handle = { broken: true };
  const options = {
    size: () => 0,
    snapshot: () => {
      if (handle.broken) throw new Error('disk full');
      return [line('a'), line('b')];
    },
    onError: (error: Error) => errors.push(error),
  };
  const journal = await Journal.open(file, 5_000, options);
  journal.append(line('a'));
  await journal.flush();
  journal.append(line('b'));
  await journal.flush();
  assert.deepEqual(
    errors.map(({ message }) => message),
    ['disk full'],
  );
  handle.broken = false;
  await journal.close();
  assert.equal(await readFile(file, 'utf8'), `${line('a')}\n${line('b')}\n`);
});
