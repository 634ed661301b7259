import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ImageRepository } from '../../shared/api/image-repository.ts';
import { RetryError, StalledError } from '../../shared/runtime/errors.ts';
import type { ScanFound } from './scan.ts';
import { changedRevision, failureOf, type Success } from './verdict.ts';

const same = (text: string) => text;

describe('the verdict on a run that threw', () => {
  it('stalled', () => {
    const failure = failureOf(new StalledError('ImageURLInvalid', 'bad'), 'p', same);
    assert.deepEqual(failure, { result: 'stalled', reason: 'ImageURLInvalid', message: 'bad' });
  });

  it('repeated, with the last progress message and the cause', () => {
    const cause = new Error('why');
    const failure = failureOf(new RetryError('Failure', 'x\ny', { cause }), 'scanning: first scan', same);
    const expected = { reason: 'Failure', message: 'x y', progress: 'scanning: first scan', cause };
    assert.deepEqual(failure, { result: 'retry', ...expected });
  });

  it('secrets are taken out before the message is cut', () => {
    const scrub = (text: string) => text.replaceAll('canary', '***');
    const { message } = failureOf(new RetryError('Failure', `${'x'.repeat(996)}canary`), 'p', scrub);
    assert.equal(message, `${'x'.repeat(996)}***`);
    assert.equal(failureOf(new RetryError('Failure', 'y'.repeat(5000)), 'p', same).message.length, 1000);
  });

  it('what no step threw is not a verdict', () => {
    const bug = new TypeError('bug');
    assert.throws(() => failureOf(bug, 'p', same), bug);
  });
});

describe('the revision that dependents must hear of (IR-POL-7)', () => {
  const scan = (changed: boolean) => ({ changed }) as ScanFound;
  const rows: [
    name: string,
    told: string | undefined,
    scan: ScanFound | undefined,
    attempt: number,
    told: boolean,
  ][] = [
    ['no scan', 'old', undefined, 0, false],
    ['the same tags', 'new', scan(false), 0, false],
    ['other tags', 'old', scan(true), 0, true],
    ['the first tags', undefined, scan(true), 0, true],
    ['stored by a run that could not tell', 'old', scan(false), 1, true],
    ['the same, and the status cannot show revisions', undefined, scan(false), 1, true],
    ['the status cannot show revisions', undefined, scan(false), 0, false],
  ];
  for (const [name, revision, found, attempt, tells] of rows) {
    it(name, () => {
      const before = { status: { lastScanResult: { tagCount: 1, revision } } } as ImageRepository;
      const verdict = { revision: 'new', scan: found } as Success;
      assert.equal(changedRevision(before, verdict, attempt), tells ? 'new' : undefined);
    });
  }
});
