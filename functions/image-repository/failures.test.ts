import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ImageNameError } from '../../shared/oci/image-name.ts';
import { readSpec } from './failures.ts';
import { requireGate } from './gate.ts';

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
