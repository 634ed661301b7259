import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { IMAGE_POLICY, type ImagePolicySpec } from '../../shared/api/image-policy.ts';
import type { KubeObject } from '../../shared/kube/resource.ts';
import { keyText } from '../../shared/runtime/contract.ts';
import { RELAY_KINDS } from './kinds.ts';

const KIND = RELAY_KINDS.find(({ kind }) => kind === IMAGE_POLICY.kind)!;
const GOOD: ImagePolicySpec = { imageRepositoryRef: { name: 'web' }, policy: {} };

const policy = (spec: unknown) => ({ metadata: { name: 'newest', namespace: 'apps' }, spec }) as KubeObject;

describe('ImagePolicy is due', () => {
  for (const [title, spec, intervalMs] of [
    ['never, without digests', GOOD, 0],
    ['never, with an interval that nothing uses', { ...GOOD, interval: '7m' }, 0],
    ['at its interval', { ...GOOD, digestReflectionPolicy: 'Always', interval: '7m' }, 420_000],
    [
      'every 10 minutes for an interval of zero',
      { ...GOOD, digestReflectionPolicy: 'Always', interval: '0s' },
      600_000,
    ],
    [
      'never, with an interval that is none',
      { ...GOOD, digestReflectionPolicy: 'Always', interval: 'soon' },
      0,
    ],
    ['never, without a spec', undefined, 0],
  ] as const) {
    test(title, () => assert.deepEqual(KIND.due(policy(spec)), { intervalMs, lastRunAt: undefined }));
  }
});

describe('ImagePolicy depends on', () => {
  const REPOSITORY = 'image.toolkit.fluxcd.io/ImageRepository';
  for (const [title, spec, targets] of [
    ['the repository of its namespace', GOOD, [`${REPOSITORY}/apps/web`]],
    [
      'the same, named',
      { ...GOOD, imageRepositoryRef: { name: 'web', namespace: 'apps' } },
      [`${REPOSITORY}/apps/web`],
    ],
    [
      'a repository of another namespace, and the labels of its own',
      { ...GOOD, imageRepositoryRef: { name: 'web', namespace: 'images' } },
      [`${REPOSITORY}/images/web`, '/Namespace//apps'],
    ],
    ['nothing, without a reference', {}, []],
  ] as const) {
    test(title, () => assert.deepEqual(KIND.dependsOn!(policy(spec)).map(keyText), targets));
  }
});
