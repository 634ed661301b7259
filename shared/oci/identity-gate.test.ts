import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { requireIdentityGate } from './identity-gate.ts';

describe('the gate of cloud identities (5.1 step 1)', () => {
  const spec = { provider: 'aws', serviceAccountName: 'puller' };
  const closed = { 'feature-gates': {} };
  const text = "with provider 'aws' the feature gate ObjectLevelWorkloadIdentity must be enabled";
  const refused = { name: 'StalledError', reason: 'FeatureGateDisabled' };

  it('closed: field and gate are named', () => {
    const message = `to use spec.serviceAccountName ${text}`;
    assert.throws(() => requireIdentityGate(spec, closed), { ...refused, message });
  });
  it('closed for the object of somebody else, which is named', () => {
    const message = `to use spec.serviceAccountName of ImageRepository 'apps/web' ${text}`;
    assert.throws(() => requireIdentityGate(spec, closed, "ImageRepository 'apps/web'"), {
      ...refused,
      message,
    });
  });
  it('open', () => requireIdentityGate(spec, { 'feature-gates': { ObjectLevelWorkloadIdentity: true } }));
  it('not asked for', () => {
    requireIdentityGate({ ...spec, provider: 'generic' }, closed);
    requireIdentityGate({ serviceAccountName: 'puller' }, closed);
    requireIdentityGate({ ...spec, provider: '' }, closed);
    requireIdentityGate({ provider: 'aws' }, closed);
  });
});
