import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ImageRepository } from '../../shared/api/image-repository.ts';
import type { ScanFound } from './scan.ts';
import { changedRevision, type Success } from './verdict.ts';

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
