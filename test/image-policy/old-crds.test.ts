/**
 * Acceptance point 19: a cluster with the CRDs of the v1beta1 era, as the founding documents describe them. What that
 * schema does not know is pruned from every status (IR-API-3).
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubeObject } from '../../shared/kube/resource.ts';
import { createFakeCluster } from '../workbench/fake-cluster.ts';
import { NEWEST, useSuite } from './suite.ts';

/** What the schema of v1beta1 has, by kind. */
const KNOWN: Record<string, string[]> = {
  ImagePolicy: ['conditions', 'observedGeneration', 'latestImage'],
  ImageRepository: [
    'conditions',
    'observedGeneration',
    'canonicalImageName',
    'lastScanResult',
    'lastHandledReconcileAt',
  ],
};

function prune(object: KubeObject): void {
  const status = (object.status ?? {}) as Record<string, unknown>;
  for (const name of Object.keys(status)) if (!KNOWN[object.kind]?.includes(name)) delete status[name];
  const spec = object.spec as Record<string, unknown>;
  delete spec.digestReflectionPolicy;
  delete spec.suspend;
}

describe("ImagePolicy on a cluster with the original's v1, which has no texts any more", () => {
  const cluster = createFakeCluster();
  cluster.prune = ({ status }) => {
    for (const name of ['latestImage', 'observedPreviousImage'])
      delete (status as Record<string, unknown>)?.[name];
  };
  const suite = useSuite({ kube: cluster }, { cluster: 'v1-of-others' });

  it('nothing is written when the choice stands', async () => {
    await suite.scanned();
    const { status } = await suite.chosen();
    assert.deepEqual(status!.latestRef, { name: suite.image(), tag: '2.0.0' });
    assert.equal(status!.latestImage, undefined);
    suite.forget();
    for (const trigger of ['timer', 'dependency', 'resync'] as const) await suite.run('newest', { trigger });
    assert.deepEqual(suite.policies.writes(), []);
  });
});

describe('19. ImagePolicy on a cluster whose CRDs know v1beta1 alone', () => {
  const cluster = createFakeCluster();
  cluster.versions = ['v1beta1'];
  cluster.prune = prune;
  const suite = useSuite({ kube: cluster }, { version: 'v1beta1', cluster: 'v1beta1-only' });

  it('latestImage is written, and nothing when it stands', async () => {
    await suite.scanned();
    const { status } = await suite.chosen();
    assert.equal(status!.latestImage, `${suite.image()}:2.0.0`);
    assert.equal(status!.latestRef, undefined);
    suite.forget();
    for (const trigger of ['timer', 'dependency', 'resync'] as const) await suite.run('newest', { trigger });
    assert.deepEqual(suite.policies.writes(), [], 'what is pruned is no reason to write');
  });

  it('the choice before is known from it', async () => {
    await suite.scanned();
    await suite.chosen();
    await suite.registry.push('team/app', '3.0.0');
    suite.scans.clock.move(600_000);
    await suite.scans.run('web', { trigger: 'timer' });
    const { object, ready } = await suite.run('newest', { trigger: 'dependency' });
    assert.equal(object.status!.latestImage, `${suite.image()}:3.0.0`);
    const text = `Latest image tag for ${suite.image()} resolved to 3.0.0 (previously ${suite.image()}:2.0.0)`;
    assert.equal(ready.message, text);
  });

  it('a failure keeps latestImage', async () => {
    await suite.scanned();
    const { status } = await suite.chosen();
    await suite.policies.edit('newest', { spec: { policy: { semver: { range: '>=9' } } } });
    const { object } = await suite.run();
    assert.equal(object.status!.latestImage, status!.latestImage);
  });

  it('Always without an interval, which no rule of such a CRD refuses, stalls (IR-API-8)', async () => {
    await suite.scanned();
    cluster.prune = undefined;
    try {
      const spec = { ...NEWEST, digestReflectionPolicy: 'Never' } as const;
      await suite.policies.create('newest', spec);
      await suite.policies.edit('newest', { spec: { digestReflectionPolicy: 'Always' } });
      const { ready, outcome } = await suite.run();
      assert.equal(outcome.result, 'stalled');
      assert.equal(ready.reason, 'IntervalNotConfigured');
      assert.equal(
        ready.message,
        "spec.interval must be set when spec.digestReflectionPolicy is set to 'Always'",
      );
      await suite.policies.edit('newest', { spec: { interval: 'soon' } });
      const unusable = await suite.run();
      assert.equal(unusable.ready.reason, 'IntervalNotConfigured');
      assert.match(unusable.ready.message, /^spec\.interval: .*'soon'/);
    } finally {
      cluster.prune = prune;
    }
  });
});
