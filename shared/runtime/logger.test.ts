import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from './logger.ts';
import { RunSecrets } from './redact.ts';

function capture(level: 'debug' | 'info' | 'error') {
  const lines: string[] = [];
  const log = createLogger(level, (line) => lines.push(line));
  return { log, lines, last: () => JSON.parse(lines.at(-1)!) };
}

test('a line has what flux logs reads', () => {
  const { log, last } = capture('info');
  log.child({ controllerKind: 'ImageRepository', namespace: 'apps', name: 'podinfo' }).info('scanned');
  const line = last();
  assert.match(line.ts, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  delete line.ts;
  assert.deepEqual(line, {
    level: 'info',
    controllerKind: 'ImageRepository',
    namespace: 'apps',
    name: 'podinfo',
    msg: 'scanned',
  });
});

test('lines below the level are left out', () => {
  const { log, lines } = capture('error');
  log.info('quiet');
  log.debug('quieter');
  assert.equal(lines.length, 0);
});

test('an error becomes its message, without a stack', () => {
  const { log, lines, last } = capture('info');
  log.error('failed', { error: new Error('first line\n  second line') });
  assert.equal(last().error, 'first line second line');
  assert.ok(!lines[0]!.includes('logger.test.ts'));
});

test('no text, field, nested value or binding carries a secret of the run', () => {
  const { log, lines } = capture('debug');
  const secrets = new RunSecrets();
  secrets.add('canary-7f3a');
  const child = log.child({ url: 'https://u:canary-7f3a@host' }, secrets);
  child.debug('got canary-7f3a', { deep: { list: ['canary-7f3a', new Error('canary-7f3a')] } });
  child.child({ more: 'x' }, secrets).error('canary-7f3a');
  assert.equal(lines.length, 2);
  assert.ok(!lines.join('').includes('canary'));
});
