import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createManualClock } from '../../../shared/runtime/manual-clock.ts';
import type { ObjectRow } from './object-row.ts';
import { createView } from './view.ts';

function setUp(isTTY: boolean) {
  const clock = createManualClock();
  const rows: ObjectRow[] = [];
  const written: string[] = [];
  const resizes = new Set<() => void>();
  const output = {
    isTTY,
    columns: 80,
    rows: 24,
    write: (text: string) => written.push(text),
    on: (_: 'resize', listener: () => void) => resizes.add(listener),
    off: (_: 'resize', listener: () => void) => resizes.delete(listener),
  };
  const view = createView({ output, rows: () => rows, clock, color: false });
  const take = () => written.splice(0).join('');
  return { clock, rows, view, take, resizes, output };
}

function row(change: Partial<ObjectRow>): ObjectRow {
  const base = { kind: 'ImageRepository', name: 'a/a', ready: '-', reason: '-', message: '' };
  return { ...base, createdAt: undefined, settled: false, ...change };
}

test('without a terminal: a line a change, and nothing that controls a terminal', () => {
  const { clock, rows, view, take } = setUp(false);
  rows.push(row({}));
  view.update();
  assert.equal(take(), '', 'nothing is known of the object yet');
  rows[0] = row({ ready: 'Unknown', reason: 'Progressing', message: 'scanning' });
  view.update();
  view.update();
  rows[0] = row({ ready: 'True', reason: 'Succeeded' });
  view.update();
  view.say('All is well.\n');
  clock.advance(10_000);
  view.close();
  assert.equal(
    take(),
    'ImageRepository a/a Ready=Unknown Progressing: scanning\n' +
      'ImageRepository a/a Ready=True Succeeded\nAll is well.\n',
  );
});

const HEADER = 'KIND             NAMESPACE/NAME  READY  REASON  MESSAGE  AGE\n';

test('on a terminal the table is drawn anew in its place, changes together, and every second for the ages', () => {
  const { clock, rows, view, take } = setUp(true);
  rows.push(row({}));
  view.update();
  view.update();
  assert.equal(take(), '');
  clock.advance(100);
  const line = 'ImageRepository  a/a             -      -                -\n';
  assert.equal(take(), `\r\x1b[0J${HEADER}${line}`);
  clock.advance(1000);
  assert.equal(take(), `\x1b[2A\r\x1b[0J${HEADER}${line}`);
});

test('on a terminal, what is said stands above the table', () => {
  const { clock, rows, view, take } = setUp(true);
  rows.push(row({}));
  view.update();
  clock.advance(100);
  take();
  view.say('All is well.\n');
  assert.ok(take().startsWith('\x1b[2A\r\x1b[0JAll is well.\n\r\x1b[0JKIND'));
});

test('on a terminal, the last picture stays, and nothing is drawn afterwards', () => {
  const { clock, rows, view, take, resizes } = setUp(true);
  rows.push(row({ ready: 'True', reason: 'Succeeded' }));
  view.update();
  assert.equal(resizes.size, 1);
  view.close();
  assert.match(take(), /Succeeded/);
  clock.advance(10_000);
  view.update();
  clock.advance(10_000);
  assert.equal(take(), '');
  assert.equal(resizes.size, 0);
  assert.equal(clock.pending, 0);
});

test('a terminal that changes its size is drawn anew', () => {
  const { rows, take, resizes } = setUp(true);
  rows.push(row({}));
  for (const resize of resizes) resize();
  assert.match(take(), /a\/a/);
});

test('a terminal that was made narrower has wrapped the table: all of it is drawn over', () => {
  const { clock, rows, view, take, resizes, output } = setUp(true);
  rows.push(row({}), row({ name: 'a/b', message: 'x'.repeat(60) }));
  view.update();
  clock.advance(100);
  take();
  output.columns = 40;
  for (const resize of resizes) resize();
  // The lines had 80, 80 and 80 characters: two lines of the screen each.
  assert.ok(take().startsWith('\x1b[6A\r\x1b[0J'));
});
