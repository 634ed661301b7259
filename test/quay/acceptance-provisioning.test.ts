/** Acceptance list of the specification (appendix C): provisioning, C01 to C15. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conditionsOf, ORG, onBothServers, PROVISIONED } from './suite.ts';

onBothServers('provisioning', (suite) => {
  test('C01 defaults: name, visibility, URL, state, secret, robot, timestamp', async () => {
    await suite.create('imagerepository-sample');
    const { metadata, spec, status } = await suite.settled('imagerepository-sample');
    const name = `${suite.namespace}/imagerepository-sample`;
    const robot = status.credentials['push-robot-account']!;
    assert.deepEqual(spec, { image: { name, visibility: 'public' } });
    const { conditions: _, ...shown } = status;
    assert.deepEqual(shown, {
      state: 'ready',
      image: { url: `${suite.quay.host}/${ORG}/${name}`, visibility: 'public' },
      credentials: {
        generationTimestamp: new Date(suite.bench.clock.now()).toISOString().replace('.000', ''),
        'push-robot-account': robot,
        'push-secret': 'imagerepository-sample-image-push',
      },
      observedGeneration: metadata.generation,
    });
    assert.match(
      robot,
      new RegExp(`^${suite.namespace.replaceAll('-', '_')}_imagerepository_sample_[0-9a-f]{10}$`),
    );
    assert.deepEqual(metadata.finalizers, [PROVISIONED]);
    assert.deepEqual(conditionsOf({ ...(await suite.read('imagerepository-sample')) }), [
      'Ready=True Provisioned',
    ]);
    assert.equal(suite.org().repositories[name]?.isPublic, true);
    assert.equal(suite.org().repositories[name]?.roles[`${ORG}+${robot}`], 'write');
    const login = await suite.login('imagerepository-sample-image-push', suite.url('imagerepository-sample'));
    assert.deepEqual(login, { username: `${ORG}+${robot}`, token: suite.org().robots[robot]?.token });
  });
});
