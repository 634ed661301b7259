import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { foreignTriggerOf, startTriggerOf, triggerOf } from './predicate.ts';
import type { SlimRecord } from './slim-record.ts';

/** Ready, observed, nothing asked for. */
const SETTLED: SlimRecord = {
  key: 'apps/podinfo',
  uid: 'u1',
  generation: 2,
  observedGeneration: 2,
  deleting: false,
  suspended: false,
  finalized: true,
  requested: '',
  handled: '',
  ready: true,
  stalled: false,
  intervalMs: 60_000,
  lastRunAt: 0,
  watched: '',
  base: '',
};

describe('a change starts a run (IR-REC-1, IR-REC-3)', () => {
  const table: [what: string, before: Partial<SlimRecord>, after: Partial<SlimRecord>, trigger?: string][] = [
    ['nothing differs', {}, {}],
    ['our status write: observed generation', { observedGeneration: 1 }, {}],
    ['our status write: conditions', { ready: false, stalled: true }, {}],
    ['our status write: scan time', { lastRunAt: 1 }, { lastRunAt: 2 }],
    ['our status write: handled token', { requested: 'a' }, { requested: 'a', handled: 'a' }],
    ['our finalizer', { finalized: false }, {}],
    ['new generation', {}, { generation: 3 }, 'change'],
    ['suspended: it is a new generation', {}, { generation: 3, suspended: true }, 'change'],
    ['deletion', {}, { deleting: true }, 'change'],
    ['still being deleted', { deleting: true }, { deleting: true }],
    ['first request', {}, { requested: 'a' }, 'requested'],
    ['another request', { requested: 'b', handled: 'b' }, { requested: 'a', handled: 'b' }, 'requested'],
    ['request on a suspended object', { suspended: true }, { suspended: true, requested: 'a' }, 'requested'],
    ['request taken away', { requested: 'a', handled: 'a' }, { handled: 'a' }],
    ['token put back that was handled', { handled: 'a' }, { requested: 'a', handled: 'a' }],
    ['request together with an edit', {}, { generation: 3, requested: 'a' }, 'requested'],
    ['a label that the kind names', { watched: 'a' }, { watched: 'b' }, 'change'],
    ['another object under the same name', {}, { uid: 'u2' }, 'change'],
  ];
  for (const [what, before, after, trigger] of table) {
    test(`${what}: ${trigger ?? 'no run'}`, () =>
      assert.equal(triggerOf({ ...SETTLED, ...before }, { ...SETTLED, ...after }), trigger));
  }

  test('an object that was not known: change', () => assert.equal(triggerOf(undefined, SETTLED), 'change'));
});

describe('what runs when the relay starts (decisions 5)', () => {
  const table: [what: string, record: Partial<SlimRecord>, trigger?: string][] = [
    ['ready and observed', {}],
    ['new', { observedGeneration: -1, ready: false, finalized: false }, 'change'],
    ['changed meanwhile', { generation: 3 }, 'change'],
    ['requested meanwhile', { requested: 'b', handled: 'a' }, 'requested'],
    ['request that was handled', { requested: 'a', handled: 'a' }],
    ['being deleted', { deleting: true }, 'change'],
    ['failed', { ready: false }, 'resync'],
    ['stalled', { ready: false, stalled: true }],
    ['stalled, then edited', { ready: false, stalled: true, generation: 3 }, 'change'],
    ['stalled, then requested', { ready: false, stalled: true, requested: 'b' }, 'requested'],
    ['address of the artifact is another', { base: 'http://old' }, 'resync'],
    ['address of the artifact stands', { base: 'http://new' }],
    ['address is another, but suspended', { base: 'http://old', suspended: true }],
    ['suspended', { suspended: true, generation: 3 }],
    ['suspended and failed', { suspended: true, ready: false }],
    ['suspended, then requested', { suspended: true, requested: 'b' }, 'requested'],
    ['suspended, then deleted', { suspended: true, deleting: true }, 'change'],
    ['suspended and never seen', { suspended: true, finalized: false }, 'change'],
  ];
  for (const [what, record, trigger] of table) {
    test(`${what}: ${trigger ?? 'waits'}`, () =>
      assert.equal(startTriggerOf({ ...SETTLED, ...record }, 'http://new'), trigger));
  }

  test('a relay that does not know where artifacts are starts nothing for that', () =>
    assert.equal(startTriggerOf({ ...SETTLED, base: 'http://old' }, ''), undefined));
});

describe('objects of somebody else run when they ask, and when they go', () => {
  const table: [
    what: string,
    before: Partial<SlimRecord> | undefined,
    after: Partial<SlimRecord>,
    runs: boolean,
  ][] = [
    ['new, asking for nothing', undefined, { finalized: false }, false],
    ['new, asking', undefined, { watched: 'true', finalized: false }, true],
    ['asks now', {}, { watched: 'true' }, true],
    ['asks for something else', { watched: 'true' }, { watched: '{}' }, true],
    ['still asks, edited in between', { watched: 'true' }, { watched: 'true', generation: 3 }, false],
    ['was answered', { watched: 'true' }, {}, false],
    ['deleted, and we made something', {}, { deleting: true }, true],
    ['still being deleted', { deleting: true }, { deleting: true, watched: 'true' }, false],
    ['deleted, and we made nothing', {}, { deleting: true, finalized: false }, false],
    ['another of the same name, asking the same', { uid: 'u0', watched: 'true' }, { watched: 'true' }, true],
    ['found deleted at the start', undefined, { deleting: true }, true],
  ];
  for (const [what, before, after, runs] of table) {
    test(`${what}: ${runs ? 'runs' : 'does not run'}`, () => {
      const trigger = foreignTriggerOf(before && { ...SETTLED, ...before }, { ...SETTLED, ...after });
      assert.equal(trigger, runs ? 'change' : undefined);
    });
  }
});
