/** What runs of a policy cost in requests (design section 11): one read of policy, repository and record each. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NAMESPACES } from '../../shared/kube/resource.ts';
import { createFakeCluster } from '../workbench/fake-cluster.ts';
import { createNamespace } from '../workbench/workbench.ts';
import { NEWEST, openBeside, type Policies, useSuite } from './suite.ts';

const asked = ({ api, stored }: Policies) =>
  [...api, ...stored]
    .filter(({ verb }) => verb !== 'getPath')
    .map(({ verb, on }) => `${verb} ${on.split('/').slice(-1)[0] === 'web' ? 'record' : on}`);

describe('requests of a policy', () => {
  const cluster = createFakeCluster();
  const suite = useSuite({ kube: cluster });

  const READS = ['get imagepolicies', 'get imagerepositories'];

  it('a new one: finalizer, status, event', async () => {
    await suite.scanned();
    await suite.policies.create('newest', NEWEST);
    await suite.run();
    assert.deepEqual(asked(suite.policies), [
      READS[0],
      'patch imagepolicies',
      READS[1],
      'patch imagepolicies/status',
      'create events',
      'get record',
    ]);
  });

  it('a wake-up that changes nothing: three reads', async () => {
    await suite.scanned();
    await suite.chosen();
    suite.forget();
    await suite.policies.run('newest', { trigger: 'dependency' });
    assert.deepEqual(asked(suite.policies), [...READS, 'get record']);
    assert.equal(suite.registry.requests.count(), 0);
  });

  it('a new choice: one status write and one event more', async () => {
    await suite.scanned();
    await suite.chosen();
    await suite.registry.push('team/app', '3.0.0');
    suite.scans.clock.move(600_000);
    await suite.scans.run('web', { trigger: 'timer' });
    suite.forget();
    await suite.policies.run('newest', { trigger: 'dependency' });
    assert.deepEqual(asked(suite.policies), [
      ...READS,
      'patch imagepolicies/status',
      'create events',
      'get record',
    ]);
  });

  it('a look at the digest: one request to the registry', async () => {
    await suite.scanned();
    await suite.chosen({ digestReflectionPolicy: 'Always', interval: '10m' });
    suite.forget();
    await suite.policies.run('newest', { trigger: 'timer' });
    assert.deepEqual(asked(suite.policies), [...READS, 'get record']);
    assert.equal(suite.registry.requests.count(), 1);
    assert.equal(suite.lookUps(), 1);
  });

  it('across namespaces: the labels as well, where an access list names some', async () => {
    const prod = await createNamespace(cluster, { env: 'prod' });
    await suite.scanned({ accessFrom: { namespaceSelectors: [{ matchLabels: { env: 'prod' } }] } });
    const { namespace } = suite.scans;
    const policies = await openBeside(cluster, suite.scans, { namespace: prod });
    await policies.create('newest', { ...NEWEST, imageRepositoryRef: { name: 'web', namespace } });
    await policies.run('newest');
    policies.forget();
    await policies.run('newest', { trigger: 'dependency' });
    assert.deepEqual(asked(policies), [...READS, `get ${NAMESPACES.plural}`, 'get record']);
  });
});
