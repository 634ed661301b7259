import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  findCondition,
  progressing,
  removeCondition,
  retrying,
  setCondition,
  stalled,
  succeeded,
} from './conditions.ts';
import type { Condition } from './resource.ts';

const THEN = '2026-01-05T10:00:00Z';
const NOW = Date.parse('2026-01-05T10:00:07.9Z');
const NOW_TEXT = '2026-01-05T10:00:07Z';

const condition = (
  type: string,
  status: Condition['status'],
  reason = 'Old',
  message = 'old',
): Condition => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: THEN,
  observedGeneration: 1,
});

/** `Type=Status Reason: message @generation`, one a line. */
const picture = (conditions: Condition[]) =>
  conditions.map((c) => `${c.type}=${c.status} ${c.reason}: ${c.message} @${c.observedGeneration}`);

describe('setting one condition', () => {
  const ready = condition('Ready', 'True', 'Succeeded', 'done');
  const moves: [string, Partial<Condition>, string][] = [
    ['nothing', {}, THEN],
    ['the generation alone', { observedGeneration: 2 }, THEN],
    ['the status', { status: 'False' }, NOW_TEXT],
    ['the reason', { reason: 'Other' }, NOW_TEXT],
    ['the message', { message: 'other' }, NOW_TEXT],
  ];
  for (const [what, change, time] of moves) {
    test(`${what} changes: its time ${time === THEN ? 'stays' : 'moves, in whole seconds'} (IR-REC-10)`, () => {
      const [set] = setCondition([ready], { ...ready, ...change }, NOW);
      assert.deepEqual(set, { ...ready, ...change, lastTransitionTime: time });
    });
  }

  test('the order is Stalled, Reconciling, Ready, then others by type', () => {
    const types = ['Zeta', 'Ready', 'Alpha', 'Reconciling', 'Stalled'];
    let conditions: Condition[] = [];
    for (const type of types) conditions = setCondition(conditions, condition(type, 'True'), NOW);
    assert.deepEqual(
      conditions.map(({ type }) => type),
      ['Stalled', 'Reconciling', 'Ready', 'Alpha', 'Zeta'],
    );
  });

  test('a list that is given stays as it was', () => {
    const given = Object.freeze([ready]) as Condition[];
    setCondition(given, condition('Stalled', 'True'), NOW);
    assert.equal(given.length, 1);
  });

  const cuts: [string, number, string][] = [
    ['x', 32_768, 'x'.repeat(32_768)],
    ['x', 32_769, `${'x'.repeat(32_767)}…`],
    ['😀', 20_000, `${'😀'.repeat(16_383)}…`],
  ];
  for (const [letter, count, expected] of cuts) {
    test(`a message of ${count} '${letter}' fits the schema, and sets the same condition again (2.8)`, () => {
      const statement = condition('Ready', 'True', 'Succeeded', letter.repeat(count));
      const first = setCondition([], statement, NOW);
      assert.equal(first[0]!.message, expected);
      assert.deepEqual(setCondition(first, statement, NOW + 60_000), first);
    });
  }

  test('finding and removing', () => {
    assert.equal(findCondition([ready], 'Ready'), ready);
    assert.equal(findCondition([ready], 'Stalled'), undefined);
    assert.equal(findCondition(undefined, 'Ready'), undefined);
    assert.deepEqual(removeCondition([ready], 'Ready'), []);
    assert.deepEqual(removeCondition(undefined, 'Ready'), []);
  });
});

describe('pictures (IR-REC-11, IR-REC-12, IR-REC-13)', () => {
  const foreign = condition('Paused', 'True');
  const before = [
    condition('Stalled', 'True'),
    condition('Reconciling', 'True'),
    condition('Ready', 'False'),
    foreign,
  ];
  const words = { reason: 'Reason', message: 'message', generation: 2 };
  const kept = 'Paused=True Old: old @1';

  const pictures: [string, Condition[], string[]][] = [
    ['success', succeeded(before, words, NOW), ['Ready=True Reason: message @2', kept]],
    [
      'retryable failure',
      retrying(before, { ...words, progress: 'scanning' }, NOW),
      ['Reconciling=True ProgressingWithRetry: scanning @2', 'Ready=False Reason: message @2', kept],
    ],
    [
      'stalled',
      stalled(before, words, NOW),
      ['Stalled=True Reason: message @2', 'Ready=False Reason: message @2', kept],
    ],
    [
      'progress: what Ready says keeps standing',
      progressing(before, words, NOW),
      ['Reconciling=True Reason: message @2', 'Ready=False Old: old @1', kept],
    ],
    [
      'progress that leaves Ready open',
      progressing(before, { ...words, ready: 'unknown' }, NOW),
      ['Reconciling=True Reason: message @2', 'Ready=Unknown Reason: message @2', kept],
    ],
    [
      'progress of a new object',
      progressing(undefined, words, NOW),
      ['Reconciling=True Reason: message @2', 'Ready=Unknown Reason: message @2'],
    ],
    [
      'progress after progress that was never finished',
      progressing([condition('Ready', 'Unknown')], words, NOW),
      ['Reconciling=True Reason: message @2', 'Ready=Unknown Reason: message @2'],
    ],
  ];
  for (const [name, conditions, expected] of pictures) {
    test(name, () => assert.deepEqual(picture(conditions), expected));
  }
});

test('whatever comes after whatever: kstatus reads it (IR-REC-15), foreign conditions stay, nothing changes twice', () => {
  const words = fc.record({
    reason: fc.constantFrom('A', 'B'),
    message: fc.constantFrom('x', 'y'),
    generation: fc.nat(3),
  });
  const step = fc.oneof(
    words.map((given) => (list: Condition[]) => succeeded(list, given, NOW)),
    words.map((given) => (list: Condition[]) => stalled(list, given, NOW)),
    words.map((given) => (list: Condition[]) => retrying(list, { ...given, progress: 'p' }, NOW)),
    words.map((given) => (list: Condition[]) => progressing(list, given, NOW)),
    words.map((given) => (list: Condition[]) => progressing(list, { ...given, ready: 'unknown' }, NOW)),
  );
  const foreign = condition('Paused', 'True');
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), (steps) => {
      let list = [foreign];
      for (const apply of steps) {
        list = apply(list);
        const status = (type: string) => findCondition(list, type)?.status;
        assert.ok(status('Ready'));
        assert.ok(!(status('Stalled') && status('Reconciling')));
        assert.ok(!(status('Ready') === 'True' && status('Stalled')));
        assert.ok(status('Ready') !== 'Unknown' || status('Reconciling') === 'True');
        assert.equal(findCondition(list, 'Paused'), foreign);
        assert.deepEqual(apply(list), list);
      }
    }),
  );
});
