import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ImageNameError } from '../../shared/oci/image-name.ts';
import { inStep, readSpec } from './failures.ts';
import { requireGate } from './gate.ts';
import { TimeoutError } from './timeout.ts';

const never = new AbortController().signal;
const fail = (error: Error) => () => Promise.reject(error);

describe('a step that fails says which one it was (5.1)', () => {
  const rows = [
    ['access', 'AuthenticationFailed', 'failed to configure authentication options: why'],
    ['due', 'Failure', "failed to determine if it's scan time: why"],
    ['scan', 'ReadOperationFailed', 'scan failed: why'],
  ] as const;
  for (const [step, reason, message] of rows) {
    it(step, () => assert.rejects(inStep(step, never, fail(new Error('why'))), { reason, message }));
  }

  it('a step that the deadline ended says so, whatever it threw', async () => {
    const cause = new Error('socket closed');
    const signal = AbortSignal.abort(new TimeoutError('deadline of 5s exceeded'));
    const message = 'scan failed: deadline of 5s exceeded';
    await assert.rejects(inStep('scan', signal, fail(cause)), {
      reason: 'ReadOperationFailed',
      message,
      cause,
    });
  });

  it('a run that was stopped is no failure of its step', async () => {
    const reason = new Error('shutdown');
    await assert.rejects(inStep('scan', AbortSignal.abort(reason), fail(new Error('x'))), reason);
  });
});

describe('what the spec says wrongly stalls', () => {
  it('an image', () => {
    const read = () => {
      throw new ImageNameError('could not parse reference: x');
    };
    assert.throws(() => readSpec(read), {
      reason: 'ImageURLInvalid',
      message: 'could not parse reference: x',
    });
  });

  it('anything else', () => {
    const read = () => {
      throw new RangeError("invalid duration 'x'");
    };
    assert.throws(() => readSpec(read), { reason: 'InvalidSpec', message: "invalid duration 'x'" });
  });
});

describe('the gate of cloud identities (5.1 step 1)', () => {
  const spec = { image: 'x', interval: '1m', provider: 'aws', serviceAccountName: 'puller' } as const;
  const closed = { 'feature-gates': {} };
  const refused = { name: 'StalledError', reason: 'FeatureGateDisabled' };
  it('closed', () => assert.throws(() => requireGate(spec, closed), refused));
  it('open', () => requireGate(spec, { 'feature-gates': { ObjectLevelWorkloadIdentity: true } }));
  it('not asked for', () => {
    requireGate({ ...spec, provider: 'generic' }, closed);
    requireGate({ ...spec, provider: undefined }, closed);
    requireGate({ ...spec, serviceAccountName: undefined }, closed);
  });
});
