import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type DueDecision, decideScan, type ScanFacts, sameEntries } from './due.ts';

const MINUTE = 60_000;
const NOW = Date.parse('2026-01-05T10:00:00Z');
const DEFAULT_LIST = ['^.*\\.sig$'];
const RECORD = {
  canonicalName: 'docker.io/org/a',
  exclusionList: DEFAULT_LIST,
  tagCount: 5,
  revision: 'sha256:aa',
};

/** An object that was scanned three minutes ago and has not changed. */
const QUIET: ScanFacts = {
  now: NOW,
  intervalMs: 10 * MINUTE,
  jitterPercent: 0,
  scanTime: NOW - 3 * MINUTE,
  statusRevision: 'sha256:aa',
  requested: false,
  canonicalName: 'docker.io/org/a',
  observedName: 'docker.io/org/a',
  exclusionList: DEFAULT_LIST,
  observedExclusionList: DEFAULT_LIST,
  record: RECORD,
};

const due = (reason: string, waitMs = 10 * MINUTE) => ({ due: true, reason, waitMs });
const wait = (waitMs: number) => ({ due: false, record: RECORD, waitMs });

/** The worked cases of 5.2, then what the rules beside them say. */
const CASES: [name: string, facts: Partial<ScanFacts>, decision: { due: boolean; waitMs: number }][] = [
  ['never scanned', { scanTime: undefined, record: undefined }, due('first scan')],
  ['scanned 3m ago', {}, wait(7 * MINUTE)],
  ['scanned 9m59.4s ago', { scanTime: NOW - 599_400 }, due('triggered by interval')],
  ['scanned 9m58.5s ago', { scanTime: NOW - 598_500 }, wait(1500)],
  ['a new token', { requested: true }, due('reconcile requested')],
  ['another image', { canonicalName: 'docker.io/org/b' }, due('new image name')],
  ['record missing', { record: undefined }, due('no tags in database')],
  [
    'list reordered',
    { exclusionList: ['b', 'a'], observedExclusionList: ['a', 'b'], record: { ...RECORD } },
    wait(7 * MINUTE),
  ],
  ['list longer', { exclusionList: ['a', 'b'], observedExclusionList: ['a'] }, due('updated exclusion list')],
  [
    'token and image new, 20m ago',
    { requested: true, canonicalName: 'docker.io/org/b', scanTime: NOW - 20 * MINUTE, record: undefined },
    due('reconcile requested'),
  ],
  [
    'the name that the original wrote for Docker Hub (IR-NAM-8)',
    { observedName: 'index.docker.io/org/a' },
    wait(7 * MINUTE),
  ],
  ['list shorter', { observedExclusionList: ['a', 'b'] }, due('updated exclusion list')],
  ['record without tags', { record: { ...RECORD, tagCount: 0 } }, due('no tags in database')],
  [
    'record of another image',
    { record: { ...RECORD, canonicalName: 'docker.io/org/z' } },
    due('no tags in database'),
  ],
  [
    'record that the status does not show (a status write failed)',
    { record: { ...RECORD, revision: 'sha256:bb' } },
    due('no tags in database'),
  ],
  [
    'status fields pruned by an old CRD: the record knows (IR-REPO-7)',
    { statusRevision: undefined, observedExclusionList: undefined, observedName: undefined },
    wait(7 * MINUTE),
  ],
  [
    'pruned, and the list changed',
    { observedExclusionList: undefined, exclusionList: ['x'] },
    due('updated exclusion list'),
  ],
  ['no name anywhere', { observedName: undefined, record: undefined }, due('new image name')],
  ['interval 0s: every run scans, no timer (IR-REPO-5)', { intervalMs: 0 }, due('triggered by interval', 0)],
  [
    'scan time in the future is capped at the interval (IR-REPO-6)',
    { scanTime: NOW + 5 * MINUTE },
    wait(10 * MINUTE),
  ],
  [
    'interval 0s scans whatever the clock that wrote the scan time said',
    { intervalMs: 0, scanTime: NOW + 5 * MINUTE },
    due('triggered by interval', 0),
  ],
  ['exactly one second left', { scanTime: NOW - 599_000 }, wait(1000)],
  [
    'jitter: a timer that fires early by 10 % is due (IR-REC-23)',
    { jitterPercent: 10, scanTime: NOW - 9 * MINUTE },
    due('triggered by interval'),
  ],
  [
    'jitter: earlier than that it is not',
    { jitterPercent: 10, scanTime: NOW - 8 * MINUTE },
    wait(2 * MINUTE),
  ],
];

describe('is a scan due (5.2)', () => {
  for (const [name, facts, decision] of CASES) {
    it(name, () => {
      assert.deepEqual(decideScan({ ...QUIET, ...facts }), decision as DueDecision);
    });
  }
});

describe('lists that say the same (row 4)', () => {
  const rows: [string[], string[], boolean][] = [
    [[], [], true],
    [['a', 'b'], ['b', 'a'], true],
    [['a'], ['a', 'a'], false],
    [['a', 'a'], ['a', 'b'], false],
    [['a', 'b'], ['a', 'a'], false],
  ];
  for (const [one, other, same] of rows) {
    it(`${one.join()} and ${other.join()}: ${same}`, () => assert.equal(sameEntries(one, other), same));
  }
});
