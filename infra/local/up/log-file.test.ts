import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLogFile } from './log-file.ts';

test('lines are added to what a start before has written, until the file is too long', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-log-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'longshore.log');
  await writeFile(file, 'before\n');
  const { log, close } = openLogFile(file, 'info');
  log.info('now');
  close();
  log.info('nobody hears this');
  const [first, second, ...rest] = (await readFile(file, 'utf8')).split('\n');
  assert.equal(first, 'before');
  assert.equal(JSON.parse(second!).msg, 'now');
  assert.deepEqual(rest, ['']);

  await truncate(file, 11 * 1024 * 1024);
  openLogFile(file, 'info').close();
  assert.equal((await stat(file)).size, 0);
});

test('a full disk stops nobody who logs', { skip: !existsSync('/dev/full') && 'needs /dev/full' }, () => {
  const { log, close } = openLogFile('/dev/full', 'info');
  log.error('no space for this line');
  close();
});
