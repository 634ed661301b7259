/** Acceptance list of the specification (appendix C): states, C50 to C53. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QUAY_ANNOTATION } from '../../shared/api/quay-image-repository.ts';
import { conditionsOf, ORG, onBothServers, PROVISIONED } from './suite.ts';

const DAMAGED =
  'Object status was damaged. Remove appstudio.openshift.io/image-repository finalizer to try to recover.';
const MISSING =
  'Image repository is missing. Remove appstudio.openshift.io/image-repository finalizer to try to recover.';

onBothServers('states', (suite) => {
  const withoutFinalizer = () => suite.bench.edit('any', { metadata: { finalizers: null } });

  for (const [what, lost] of [
    ['state', { state: null }],
    ['URL', { image: { url: null } }],
    ['visibility', { image: { visibility: null } }],
    ['robot', { credentials: { 'push-robot-account': null } }],
    ['a robot of somebody else', { credentials: { 'push-robot-account': 'ci' } }],
    ['secret', { credentials: { 'push-secret': null } }],
    ['everything', null],
  ] as const) {
    test(`C50 damaged: lost ${what}`, async () => {
      await suite.provisioned();
      await suite.status('any', lost);
      assert.equal((await suite.run('any')).result, 'stalled');
      const object = await suite.read('any');
      assert.deepEqual([object.status.state, object.status.message], ['damaged', DAMAGED]);
      assert.deepEqual(conditionsOf(object), ['Stalled=True StatusDamaged', 'Ready=False StatusDamaged']);
      assert.deepEqual(object.metadata.finalizers, [PROVISIONED]);
      await suite.run('any');
      assert.deepEqual(suite.asked(), [], 'nothing is asked of Quay');
    });
  }

  test('C50 recovery by the finalizer: the repository again, with new robots', async () => {
    const before = await suite.provisioned();
    await suite.status('any', null);
    await suite.run('any');
    await withoutFinalizer();
    const { metadata, status } = await suite.settled('any');
    assert.deepEqual([status.state, status.message], ['ready', undefined]);
    assert.deepEqual(metadata.finalizers, [PROVISIONED]);
    assert.notEqual(
      status.credentials['push-robot-account'],
      before.status.credentials['push-robot-account'],
    );
    assert.equal(status.image?.url, before.status.image?.url);
  });

  test('C50 recovery by the retry annotation', async () => {
    await suite.provisioned();
    await suite.status('any', null);
    await suite.run('any');
    await suite.bench.annotate('any', { [QUAY_ANNOTATION.retry]: 'x' });
    const { metadata, status } = await suite.settled('any');
    assert.deepEqual([status.state, metadata.annotations], ['ready', undefined]);
    assert.deepEqual(metadata.finalizers, [PROVISIONED]);
  });

  for (const [what, edit] of [
    ['visibility', { spec: { image: { visibility: 'private' } } }],
    ['rotation', { spec: { credentials: { 'regenerate-token': true } } }],
    [
      'a notification',
      {
        spec: {
          notifications: [
            { title: 'a', event: 'repo_push', method: 'webhook', config: { url: 'https://example.com' } },
          ],
        },
      },
    ],
  ] as const) {
    test(`C51 missing, found by ${what}; recovery keeps the robots`, async () => {
      const before = await suite.provisioned();
      suite.org().repositories = {};
      await suite.bench.edit('any', edit);
      assert.equal((await suite.run('any')).result, 'stalled');
      const object = await suite.read('any');
      assert.deepEqual([object.status.state, object.status.message], ['missing', MISSING]);
      assert.deepEqual(conditionsOf(object), [
        'Stalled=True RepositoryMissing',
        'Ready=False RepositoryMissing',
      ]);
      await withoutFinalizer();
      const { status } = await suite.settled('any');
      assert.equal(status.state, 'ready');
      const robot = status.credentials['push-robot-account']!;
      assert.equal(robot, before.status.credentials['push-robot-account']);
      assert.deepEqual(Object.keys(suite.org().robots), [robot]);
      assert.equal(suite.org().repositories[`${suite.namespace}/any`]?.roles[`${ORG}+${robot}`], 'write');
    });
  }

  test('C52 an address in the status that reaches elsewhere is ignored', async () => {
    await suite.provisioned();
    const roles = {};
    const victim = { isPublic: true, description: '', roles, notifications: [], tags: {}, manifests: [] };
    suite.org().repositories['other-ns/secret'] = victim;
    for (const url of [
      `${suite.quay.host}/${ORG}/other-ns/secret`,
      `${suite.quay.host}/other-org/${suite.namespace}/any`,
      `quay.io/${ORG}/${suite.namespace}/any`,
      `${suite.quay.host}/${ORG}/${suite.namespace}/../other-ns/secret`,
    ]) {
      await suite.status('any', { image: { url } });
      const visibility = stored()!.isPublic ? 'private' : 'public';
      await suite.bench.edit('any', { spec: { image: { visibility } } });
      await suite.run('any');
      assert.equal(stored()?.isPublic, visibility === 'public', url);
    }
    await suite.bench.remove('any');
    assert.equal((await suite.run('any')).result, 'gone');
    assert.deepEqual(Object.keys(suite.org().repositories), ['other-ns/secret']);
    assert.equal(victim.isPublic, true);
  });

  const stored = () => suite.org().repositories[`${suite.namespace}/any`];

  test('C53 waiting for a Component: message, 5 s, waiting after 2 min, 60 s, stop after 1 h', async () => {
    await suite.create('any', {}, suite.linked());
    const MESSAGE = "Component 'my-component' does not exist";
    const look = async () => {
      const outcome = await suite.run('any');
      assert.equal(outcome.result, 'ok');
      const { metadata, status } = await suite.read('any');
      assert.deepEqual([status.message, metadata.finalizers], [MESSAGE, undefined]);
      return [status.state, 'requeueAfterMs' in outcome ? outcome.requeueAfterMs : undefined];
    };
    assert.deepEqual(await look(), [undefined, 5000]);
    const object = await suite.read('any');
    assert.deepEqual(conditionsOf(object), [
      'Reconciling=True WaitingForComponent',
      'Ready=Unknown WaitingForComponent',
    ]);
    suite.bench.clock.move(60_000);
    assert.deepEqual(await look(), [undefined, 5000]);
    suite.bench.clock.move(65_000);
    assert.deepEqual(await look(), ['waiting', 60_000]);
    assert.deepEqual(await look(), ['waiting', 60_000]);
    suite.bench.clock.move(60 * 60_000);
    assert.deepEqual(await look(), ['waiting', undefined]);
    assert.deepEqual(suite.asked(), []);

    // The Component appears, and whoever wakes the object finds it (test/quay/relay.test.ts: the relay does).
    await suite.component('my-component');
    const { status } = await suite.settled('any');
    assert.deepEqual([status.state, status.message], ['ready', undefined]);
    assert.equal(status.image?.url, suite.url('my-app/my-component'));
  });
});
