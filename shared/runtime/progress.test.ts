import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ImageRepository } from '../api/image-repository.ts';
import { findCondition, retrying, succeeded } from '../kube/conditions.ts';
import type { Condition } from '../kube/resource.ts';
import { type Progress, startProgress } from './progress.ts';

const NOW = Date.parse('2026-01-05T10:00:00Z');
const READY = succeeded([], { reason: 'Succeeded', message: '3 tags', generation: 1 }, NOW);

function objectWith(
  generation: number,
  observedGeneration: number,
  conditions: Condition[],
): ImageRepository {
  return {
    apiVersion: 'image.toolkit.fluxcd.io/v1',
    kind: 'ImageRepository',
    metadata: { name: 'web', namespace: 'apps', uid: 'u', resourceVersion: '1', generation },
    spec: { image: 'alpine', interval: '5m' },
    status: { observedGeneration, conditions },
  };
}

/** A run whose 250 ms pass when the test says so. */
function runOf(object: ImageRepository, requested = false) {
  const written: Condition[][] = [];
  let pass: (() => void) | undefined;
  let waitMs = -1;
  const progress: Progress<ImageRepository> = startProgress({
    clock: {
      now: () => NOW + 100,
      after(ms, callback) {
        waitMs = ms;
        pass = callback;
        return () => {
          pass = undefined;
        };
      },
    },
    startedAt: NOW,
    object,
    requested,
    write: async (conditions) => {
      written.push(conditions);
      return { ...object, status: { ...object.status, conditions } };
    },
  });
  return { progress, written, waitMs, pass: () => pass?.() };
}

const words = (conditions: Condition[] | undefined, type: string) => {
  const condition = findCondition(conditions, type);
  return condition && `${condition.status} ${condition.reason}: ${condition.message}`;
};

describe('what a slow run shows (3.5, decisions 3)', () => {
  it('a new object: Reconciling, and Ready unknown with the same words', () => {
    const run = runOf(objectWith(1, -1, []));
    assert.equal(run.waitMs, 150);
    run.pass();
    const text = 'Progressing: processing object: new generation -1 -> 1';
    assert.equal(words(run.written[0], 'Reconciling'), `True ${text}`);
    assert.equal(words(run.written[0], 'Ready'), `Unknown ${text}`);
  });

  it('an edited object keeps its Ready, and tells what it is at', () => {
    const run = runOf(objectWith(2, 1, READY));
    run.progress.say({ message: 'scanning: new image name' });
    run.pass();
    assert.equal(words(run.written[0], 'Reconciling'), 'True Progressing: scanning: new image name');
    assert.equal(words(run.written[0], 'Ready'), 'True Succeeded: 3 tags');
  });

  it('a pending request is told', () => {
    const run = runOf(objectWith(1, 1, READY), true);
    run.pass();
    assert.equal(words(run.written[0], 'Reconciling'), 'True Progressing: reconciliation in progress');
  });

  it('a missing record makes Ready unknown, at the moment it is found', () => {
    const run = runOf(objectWith(1, 1, READY));
    run.pass();
    assert.deepEqual(run.written, [], 'nothing to tell so far');
    run.progress.say({ message: 'scanning: no tags in database', isNews: true, ready: 'unknown' });
    assert.equal(words(run.written[0], 'Ready'), 'Unknown Progressing: scanning: no tags in database');
  });

  it('a timer has nothing to tell, however long it takes', () => {
    const run = runOf(objectWith(1, 1, READY));
    run.progress.say({ message: 'scanning: triggered by interval' });
    run.pass();
    assert.deepEqual(run.written, []);
  });

  it('tells once', async () => {
    const run = runOf(objectWith(2, 1, READY));
    run.pass();
    run.progress.say({ message: 'scanning: new image name' });
    assert.equal(run.written.length, 1);
    assert.equal(run.progress.message(), 'scanning: new image name');
    assert.equal(words((await run.progress.settle()).status?.conditions, 'Reconciling')?.slice(0, 4), 'True');
  });

  it('a quick run tells nothing', async () => {
    const object = objectWith(1, -1, []);
    const run = runOf(object);
    run.progress.say({ message: 'scanning: first scan' });
    assert.equal(await run.progress.settle(), object);
    run.pass();
    assert.deepEqual(run.written, []);
  });

  it('a run that repeats a failed one has nothing to add to what the status says', () => {
    const failed = retrying(
      [],
      { reason: 'ReadOperationFailed', message: 'x', progress: 'scanning: first scan', generation: 1 },
      NOW,
    );
    const run = runOf(objectWith(1, -1, failed));
    run.progress.say({ message: 'scanning: first scan' });
    run.pass();
    assert.deepEqual(run.written, []);
  });

  it('nor when it comes past something that the failed one did not say last; news beside it are told', () => {
    const stored = retrying(
      [],
      { reason: 'Failed', message: 'why', progress: 'building: new revision', generation: 1 },
      NOW,
    );
    const run = runOf(objectWith(1, -1, stored));
    run.progress.say({ message: 'building', isNews: true, ready: 'unknown' });
    run.pass();
    assert.deepEqual(run.written, []);
    const beside = [
      { type: 'ArtifactOutdated', status: 'True', reason: 'NewRevision', message: 'newer' },
    ] as const;
    run.progress.say({ message: 'building: newer', isNews: true, ready: 'unknown', beside: [...beside] });
    assert.equal(words(run.written[0], 'ArtifactOutdated'), 'True NewRevision: newer');
  });
});
