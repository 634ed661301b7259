/** Acceptance list of the specification (appendix C): operations on a provisioned repository, C30 to C35. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QUAY_ANNOTATION } from '../../shared/api/quay-image-repository.ts';
import { SECRETS, SERVICE_ACCOUNTS } from '../../shared/kube/resource.ts';
import { conditionsOf, ORG, onBothServers } from './suite.ts';

onBothServers('operations', (suite) => {
  const stored = (name = 'any') => suite.org().repositories[`${suite.namespace}/${name}`];

  test('C30 an edited name is taken back, Quay is not asked', async () => {
    await suite.provisioned();
    const name = `${suite.namespace}/any`;
    for (const edit of ['other', null, 'any']) {
      await suite.bench.edit('any', { spec: { image: { name: edit } } });
      const { spec, status } = await suite.settled('any');
      assert.equal(spec?.image?.name, name);
      assert.deepEqual([status.message, status.image?.url], [undefined, suite.url('any')]);
    }
    assert.deepEqual(suite.asked(), []);
  });

  test('C31 visibility both ways; the message is cleared', async () => {
    await suite.provisioned();
    suite.quay.setPrivateLimit(ORG, 0);
    await suite.bench.edit('any', { spec: { image: { visibility: 'private' } } });
    assert.ok((await suite.settled('any')).status.message);
    suite.quay.setPrivateLimit(ORG, undefined);
    for (const visibility of ['private', 'public']) {
      suite.forget();
      await suite.bench.edit('any', { spec: { image: { visibility } } });
      const { status } = await suite.settled('any');
      assert.deepEqual([status.image?.visibility, status.message], [visibility, undefined]);
      assert.equal(stored()?.isPublic, visibility === 'public');
      assert.equal(suite.asked().length, 1);
    }
    // No wish: it stays as it is.
    await suite.bench.edit('any', { spec: { image: { visibility: null } } });
    const { spec, status } = await suite.settled('any');
    assert.deepEqual([spec?.image?.visibility, status.image?.visibility], [undefined, 'public']);
  });

  test('C31 what Quay refuses is reverted with its reason; what passes is not', async () => {
    await suite.provisioned();
    const text = 'Visibility cannot be changed';
    const undo = suite.quay.faults.add({ path: /changevisibility$/, status: 400, body: { message: text } });
    await suite.bench.edit('any', { spec: { image: { visibility: 'private' } } });
    const refused = await suite.settled('any');
    assert.deepEqual([refused.spec?.image?.visibility, refused.status.message], ['public', text]);
    undo();
    suite.quay.faults.add({ path: /changevisibility$/, status: 503 });
    await suite.bench.edit('any', { spec: { image: { visibility: 'private' } } });
    assert.equal((await suite.run('any')).result, 'retry');
    const waiting = await suite.read('any');
    assert.deepEqual([waiting.spec?.image?.visibility, waiting.status.state], ['private', 'ready']);
  });

  test('C32 rotation with existing secrets: new tokens in the same Secrets, a new time', async () => {
    const before = await suite.provisionedComponent();
    const url = suite.url('my-app/my-component');
    const tokens = await Promise.all(['push', 'pull'].map((role) => suite.login(`any-image-${role}`, url)));
    const uids = await Promise.all(['push', 'pull'].map((role) => suite.secret(`any-image-${role}`)));
    await suite.bench.edit('any', { spec: { credentials: { 'regenerate-token': true } } });
    const { spec, status } = await suite.settled('any');
    assert.deepEqual(spec?.credentials, {});
    assert.notEqual(
      status.credentials.generationTimestamp,
      before.status.credentials.generationTimestamp,
      'the clock stands still, the time moves',
    );
    for (const [index, role] of ['push', 'pull'].entries()) {
      const { token, username } = await suite.login(`any-image-${role}`, url);
      assert.notEqual(token, tokens[index]?.token);
      assert.equal(username, tokens[index]?.username);
      assert.equal(suite.org().robots[status.credentials[`${role}-robot-account`]!]?.token, token);
      assert.equal((await suite.secret(`any-image-${role}`))?.metadata.uid, uids[index]?.metadata.uid);
    }
    assert.ok((await suite.bench.events('any')).some(({ reason }) => reason === 'TokenRotated'));
  });

  test('C32 rotations within one second: the time moves on with each', async () => {
    const times = [(await suite.provisioned()).status.credentials.generationTimestamp];
    for (let rotation = 1; rotation <= 3; rotation++) {
      await suite.bench.edit('any', { spec: { credentials: { 'regenerate-token': true } } });
      times.push((await suite.settled('any')).status.credentials.generationTimestamp);
    }
    assert.deepEqual(times, [...new Set(times)].sort());
  });

  test('C32 rotation with a missing secret, and with a missing robot: both are there again', async () => {
    const { status } = await suite.provisioned();
    const robot = status.credentials['push-robot-account']!;
    await suite.bench.kube.delete(SECRETS, { namespace: suite.namespace, name: 'any-image-push' });
    await suite.bench.edit('any', { spec: { credentials: { 'regenerate-token': true } } });
    await suite.settled('any');
    assert.equal(
      (await suite.login('any-image-push', suite.url('any'))).token,
      suite.org().robots[robot]?.token,
    );

    delete suite.org().robots[robot];
    stored()!.roles = {};
    await suite.bench.edit('any', { spec: { credentials: { 'regenerate-token': true } } });
    await suite.settled('any');
    assert.equal(
      (await suite.login('any-image-push', suite.url('any'))).token,
      suite.org().robots[robot]?.token,
    );
    assert.equal(stored()?.roles[`${ORG}+${robot}`], 'write');
  });

  test('C32 a crash after any call: the Secret ends with the token that counts', async () => {
    for (let crashAfter = 1; ; crashAfter++) {
      const name = `any-${crashAfter}`;
      await suite.create(name);
      const { status } = await suite.settled(name);
      await suite.bench.edit(name, { spec: { credentials: { 'regenerate-token': true } } });
      await suite.run(name, { crashAfter });
      if (!suite.crashed) break;
      const { spec } = await suite.settled(name, { attempt: 1 });
      assert.deepEqual(spec?.credentials, {});
      const robot = status.credentials['push-robot-account']!;
      const { token } = await suite.login(`${name}-image-push`, suite.url(name));
      assert.equal(token, suite.org().robots[robot]?.token, `crashed after ${crashAfter} calls`);
    }
  });

  test('a request for a namespace token is answered, once', async () => {
    await suite.provisioned();
    await suite.bench.edit('any', { spec: { credentials: { 'regenerate-namespace-pull-token': true } } });
    const { spec, status } = await suite.settled('any');
    assert.deepEqual([spec?.credentials, status.message], [{}, 'Namespace pull secret is disabled']);
  });

  test('a request that is false is left alone', async () => {
    const credentials = { 'regenerate-token': false, 'verify-linking': false };
    await suite.provisioned({ credentials });
    const { spec } = await suite.settled('any');
    assert.deepEqual(spec?.credentials, credentials);
    assert.deepEqual(suite.bench.writes(), []);
  });

  const P = 'any-image-push';
  const RULES: [rule: string, before: Lists, exists: boolean, after: Lists][] = [
    ['1: a missing link is added', { secrets: ['a'] }, true, { secrets: ['a', P] }],
    ['2: duplicates go, the first stays', { secrets: ['a', P, 'b', P] }, true, { secrets: ['a', P, 'b'] }],
    [
      '3: no pull link stays',
      { secrets: [P], imagePullSecrets: [P, 'c', P] },
      true,
      { secrets: [P], imagePullSecrets: ['c'] },
    ],
    [
      '4: without its Secret every link goes',
      { secrets: ['a', P, 'b', P], imagePullSecrets: [P, 'c'] },
      false,
      { secrets: ['a', 'b'], imagePullSecrets: ['c'] },
    ],
    [
      '1 to 3 together',
      { secrets: ['a', P, 'b', P], imagePullSecrets: [P, 'c'] },
      true,
      { secrets: ['a', P, 'b'], imagePullSecrets: ['c'] },
    ],
  ];
  for (const [rule, before, exists, after] of RULES) {
    test(`C33 link rule ${rule}`, async () => {
      await suite.provisioned();
      await suite.account('appstudio-pipeline', before);
      if (!exists) await suite.bench.kube.delete(SECRETS, { namespace: suite.namespace, name: P });
      await suite.bench.edit('any', { spec: { credentials: { 'verify-linking': true } } });
      const { spec } = await suite.settled('any');
      assert.deepEqual(await suite.links('appstudio-pipeline'), { imagePullSecrets: [], ...after });
      assert.deepEqual(spec?.credentials, {});
      assert.ok((await suite.bench.events('any')).some(({ reason }) => reason === 'LinksVerified'));
    });
  }

  test('C33 link rule 5: no service account, nothing to do', async () => {
    await suite.provisioned();
    await suite.bench.edit('any', { spec: { credentials: { 'verify-linking': true } } });
    assert.deepEqual((await suite.settled('any')).spec?.credentials, {});
  });

  test('C33 a Component: both pipeline accounts, and no link comes back without its Secret', async () => {
    await suite.provisionedComponent();
    const accounts = ['appstudio-pipeline', 'build-pipeline-my-component'];
    for (const name of accounts) await suite.account(name, { secrets: [P, P], imagePullSecrets: [P] });
    await suite.bench.edit('any', { spec: { credentials: { 'verify-linking': true } } });
    await suite.settled('any');
    for (const name of accounts) {
      assert.deepEqual(await suite.links(name), { secrets: [P], imagePullSecrets: [] });
    }
    await suite.bench.kube.delete(SECRETS, { namespace: suite.namespace, name: P });
    await suite.bench.edit('any', { spec: { credentials: { 'verify-linking': true } } });
    await suite.settled('any');
    await suite.settled('any');
    for (const name of accounts) assert.deepEqual((await suite.links(name)).secrets, []);
    // Rotation makes the Secret anew, and with it the link.
    await suite.bench.edit('any', { spec: { credentials: { 'regenerate-token': true } } });
    await suite.settled('any');
    for (const name of accounts) assert.deepEqual((await suite.links(name)).secrets, [P]);
  });

  test('C34 a pipeline account that is missing is looked for soon, then after twice the time', async () => {
    await suite.component('my-component');
    await suite.create('any', {}, suite.linked());
    const wait = async () => {
      const outcome = await suite.run('any');
      return 'requeueAfterMs' in outcome ? outcome.requeueAfterMs : undefined;
    };
    assert.equal(await wait(), 5000);
    suite.bench.clock.move(60_000);
    const later = (await wait())!;
    assert.ok(later >= 60_000 && later <= 61_000, `${later}`);
    for (const name of ['appstudio-pipeline', 'build-pipeline-my-component']) await suite.account(name);
    const whole = 10 * 60 * 60_000;
    assert.equal(await wait(), whole, 'there is nothing to wait for');
    suite.bench.clock.move(2 * whole);
    await suite.bench.kube.delete(SERVICE_ACCOUNTS, {
      namespace: suite.namespace,
      name: 'appstudio-pipeline',
    });
    assert.equal(await wait(), whole, 'and of the one that has not come nobody expects it');
  });

  test('C34 a pipeline account that is missing is linked by a later run', async () => {
    await suite.provisionedComponent();
    await suite.account('build-pipeline-my-component');
    await suite.settled('any');
    assert.deepEqual((await suite.links('build-pipeline-my-component')).secrets, [P]);
    assert.deepEqual(await suite.links('appstudio-pipeline'), { secrets: [], imagePullSecrets: [] });
  });

  test('C35 update-component-image sets the image once, and goes', async () => {
    await suite.component('my-component');
    const annotations = { [QUAY_ANNOTATION.updateComponentImage]: 'true' };
    await suite.create('any', {}, { ...suite.linked(), annotations });
    const { metadata } = await suite.settled('any');
    const image = suite.url('my-app/my-component');
    assert.equal((await suite.readComponent('my-component'))?.spec?.containerImage, image);
    assert.equal(metadata.annotations, undefined);
    await suite.bench.annotate('any', { [QUAY_ANNOTATION.updateComponentImage]: 'yes' });
    const { metadata: other } = await suite.settled('any');
    assert.deepEqual(Object.values(other.annotations ?? {}), ['yes'], 'only true counts');
  });

  test('several requests at once are carried out in one run, and the object rests afterwards', async () => {
    const before = await suite.provisioned();
    await suite.bench.edit('any', {
      spec: {
        image: { name: 'other', visibility: 'private' },
        credentials: { 'regenerate-token': true, 'verify-linking': true },
        notifications: [
          { title: 'a', event: 'repo_push', method: 'webhook', config: { url: 'https://example.com' } },
        ],
      },
    });
    const { metadata, spec, status } = await suite.settled('any');
    assert.equal(status.image?.visibility, 'private');
    assert.equal(spec?.image?.name, `${suite.namespace}/any`);
    assert.deepEqual(spec?.credentials, {});
    assert.notEqual(status.credentials.generationTimestamp, before.status.credentials.generationTimestamp);
    assert.equal(status.notifications?.length, 1);
    assert.equal(status.observedGeneration, metadata.generation);
    suite.forget();
    const again = await suite.settled('any');
    assert.deepEqual(suite.bench.writes(), []);
    assert.deepEqual(conditionsOf(again), ['Ready=True Provisioned']);
  });
});

interface Lists {
  secrets: string[];
  imagePullSecrets?: string[];
}
