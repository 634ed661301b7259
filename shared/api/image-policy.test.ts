import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  digestPolicyOf,
  IMAGE_POLICY,
  type ImagePolicy,
  type ImagePolicySpec,
  intervalOf,
  repositoryOf,
} from './image-policy.ts';

const spec = (fields: Partial<ImagePolicySpec>): ImagePolicySpec => ({
  imageRepositoryRef: { name: 'app' },
  policy: { semver: { range: '*' } },
  ...fields,
});

describe('what is in effect (IR-API-8, IR-API-9)', () => {
  for (const [fields, ms] of [
    [{}, 0],
    [{ digestReflectionPolicy: 'Always', interval: '90s' }, 90_000],
    [{ digestReflectionPolicy: 'Always', interval: '0s' }, 600_000],
    [{ digestReflectionPolicy: 'Always' }, 600_000],
    // Foreign CRDs have no rules: an interval without `Always` is ignored.
    [{ interval: '5m' }, 0],
    [{ digestReflectionPolicy: 'IfNotPresent', interval: '5m' }, 0],
    [{ digestReflectionPolicy: 'Never', interval: 'soon' }, 0],
  ] as const) {
    test(`interval of ${JSON.stringify(fields)}`, () => assert.equal(intervalOf(spec(fields)), ms));
  }

  test('an unusable interval is an error that names the text', () => {
    const fields = { digestReflectionPolicy: 'Always', interval: 'soon' } as const;
    assert.throws(() => intervalOf(spec(fields)), /'soon'/);
  });

  test('digest policy: Never for none and for an empty one', () => {
    assert.equal(digestPolicyOf(spec({})), 'Never');
    assert.equal(
      digestPolicyOf({ ...spec({}), digestReflectionPolicy: '' } as unknown as ImagePolicySpec),
      'Never',
    );
    assert.equal(digestPolicyOf(spec({ digestReflectionPolicy: 'IfNotPresent' })), 'IfNotPresent');
  });
});

test('the repository: by default one of the own namespace', () => {
  const object = (namespace?: string): ImagePolicy => ({
    apiVersion: `${IMAGE_POLICY.group}/v1`,
    kind: IMAGE_POLICY.kind,
    metadata: { name: 'p', namespace: 'apps', uid: 'u', resourceVersion: '1' },
    spec: spec({ imageRepositoryRef: { name: 'app', ...(namespace !== undefined && { namespace }) } }),
  });
  assert.deepEqual(repositoryOf(object()), { namespace: 'apps', name: 'app' });
  assert.deepEqual(repositoryOf(object('')), { namespace: 'apps', name: 'app' });
  assert.deepEqual(repositoryOf(object('other')), { namespace: 'other', name: 'app' });
});
