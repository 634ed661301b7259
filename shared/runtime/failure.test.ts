import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RetryError, StalledError } from './errors.ts';
import { failureOf, inStep } from './failure.ts';
import { TimeoutError } from './timeout.ts';

const same = (text: string) => text;
const never = new AbortController().signal;
const fail = (error: Error) => () => Promise.reject(error);
const SCAN = { reason: 'ReadOperationFailed', prefix: 'scan failed: ' };

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

describe('a step that fails', () => {
  it('says which one it was', () =>
    assert.rejects(inStep(SCAN, never, fail(new Error('why'))), {
      name: 'RetryError',
      reason: 'ReadOperationFailed',
      message: 'scan failed: why',
    }));

  it('for good keeps its own words', async () => {
    const stall = new StalledError('InvalidSpec', 'spec.x: why');
    await assert.rejects(inStep(SCAN, never, fail(stall)), stall);
  });

  it('by the deadline says so, whatever it threw', async () => {
    const cause = new Error('socket closed');
    const signal = AbortSignal.abort(new TimeoutError('deadline of 5s exceeded'));
    const message = 'scan failed: deadline of 5s exceeded';
    await assert.rejects(inStep(SCAN, signal, fail(cause)), {
      reason: 'ReadOperationFailed',
      message,
      cause,
    });
  });

  it('because the run was stopped has not failed', async () => {
    const reason = new Error('shutdown');
    await assert.rejects(inStep(SCAN, AbortSignal.abort(reason), fail(new Error('x'))), reason);
  });
});
