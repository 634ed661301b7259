/** Acceptance list of the specification (appendix C): runtime, C80 to C85. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOCAL_TOKEN, startQuay } from '../../infra/local/quay/quay.ts';
import { KubeError } from '../../shared/kube/errors.ts';
import { createAuthority } from '../parts/certificates.ts';
import { ORG, onBothServers } from './suite.ts';

onBothServers('runtime', (suite) => {
  const token = (changes: Record<string, string> = {}) => ({
    organization: ORG,
    quaytoken: LOCAL_TOKEN,
    quayapiurl: suite.quay.apiUrl,
    ...changes,
  });

  test('C80 runs that come twice, late or for nothing are harmless', async () => {
    await suite.create('any');
    await suite.settled('any');
    suite.forget();
    for (const trigger of ['change', 'timer', 'resync', 'dependency', 'requested'] as const) {
      assert.equal((await suite.run('any', { trigger, attempt: 3 })).result, 'ok');
    }
    assert.deepEqual([suite.asked(), suite.bench.writes()], [[], []]);
    await suite.bench.remove('any');
    assert.equal((await suite.run('any')).result, 'gone');
    assert.equal((await suite.run('any')).result, 'gone');
    assert.equal((await suite.run('never-there')).result, 'gone');
  });

  test('C80 a quiet look costs two reads, and no write', async () => {
    await suite.create('any');
    await suite.settled('any');
    suite.forget();
    const outcome = await suite.run('any', { trigger: 'timer' });
    assert.equal('requeueAfterMs' in outcome && outcome.requeueAfterMs, 10 * 60 * 60_000);
    assert.deepEqual(
      suite.bench.api.map(({ verb, on }) => `${verb} ${on}`),
      ['get imagerepositories', 'get secrets'],
    );
  });

  test('C81 somebody else writes before each of our writes: both count', async () => {
    for (let at = 1; ; at++) {
      const name = `any-${at}`;
      await suite.create(name);
      let patches = 0;
      suite.bench.hooks.api = async ({ verb, on }) => {
        if (verb !== 'patch' || !on.startsWith('imagerepositories') || ++patches !== at) return;
        await suite.bench.edit(name, { metadata: { annotations: { 'example.com/note': 'theirs' } } });
      };
      await suite.run(name);
      suite.bench.hooks.api = undefined;
      const { metadata, status } = await suite.settled(name, { attempt: 1 });
      assert.equal(status.state, 'ready', `written before patch ${at}`);
      if (patches < at) break;
      assert.deepEqual(metadata.annotations, { 'example.com/note': 'theirs' });
    }
    assert.equal(Object.keys(suite.org().robots).length, Object.keys(suite.org().repositories).length);
  });

  test('C81 the API server refuses a write: retried, nothing is made twice', async () => {
    for (let at = 1; ; at++) {
      const name = `any-${at}`;
      await suite.create(name);
      let writes = 0;
      suite.bench.hooks.api = ({ verb, on }) => {
        if (on === 'events' || !['patch', 'create'].includes(verb) || ++writes !== at) return;
        throw new KubeError('etcdserver: request timed out', { status: 500 });
      };
      const outcome = await suite.run(name);
      suite.bench.hooks.api = undefined;
      if (writes < at) break;
      assert.equal(outcome.result, 'retry', `write ${at}`);
      assert.notEqual((await suite.read(name)).status?.state, 'failed');
      await suite.settled(name, { attempt: 1 });
    }
    assert.equal(Object.keys(suite.org().robots).length, Object.keys(suite.org().repositories).length);
  });

  test('C82 no token is in a log, an event, a status or an outcome', async () => {
    const told: unknown[] = [];
    await suite.component('my-component');
    await suite.create('any', {}, suite.linked());
    const requests = [{ 'regenerate-token': true }, { 'verify-linking': true }, {}];
    for (const credentials of requests) {
      told.push(await suite.run('any'), await suite.read('any'));
      await suite.bench.edit('any', { spec: { credentials } });
    }
    const { quaytoken } = token();
    const tokens = [quaytoken, ...Object.values(suite.org().robots).map((robot) => robot.token)];
    for (const status of [401, 500]) {
      suite.quay.faults.add({ status, times: 3, body: { message: `no: ${tokens.join()}` } });
      await suite.bench.edit('any', { spec: { credentials: { 'regenerate-token': true } } });
      told.push(await suite.run('any', { attempt: 5 }), await suite.read('any'));
      suite.quay.faults.clear();
    }
    told.push(await suite.bench.events('any'), suite.bench.log);
    const text = JSON.stringify(told);
    assert.ok(suite.bench.log.length > 0);
    for (const secret of tokens) {
      assert.ok(!text.includes(secret), secret);
      assert.ok(!text.includes(Buffer.from(secret).toString('base64').replace(/=+$/, '')), secret);
    }
  });

  test('C83 another token counts at the next run', async () => {
    await suite.create('any');
    await suite.settled('any');
    const { tokens } = suite.quay.state;
    tokens['the-new-one'] = tokens[LOCAL_TOKEN]!;
    delete tokens[LOCAL_TOKEN];
    await suite.bench.edit('any', { spec: { image: { visibility: 'private' } } });
    const outcome = await suite.run('any');
    assert.equal('reason' in outcome && outcome.reason, 'RegistryConfiguration');
    assert.equal((await suite.read('any')).status.state, 'ready');
    await suite.token(token({ quaytoken: ' the-new-one\n' }));
    assert.equal((await suite.settled('any', { attempt: 1 })).status.image?.visibility, 'private');
  });

  test('C84 a Quay of one’s own: another port, a private authority', async (t) => {
    const authority = await createAuthority('a private authority');
    const { cert, key } = await authority.server();
    const own = await startQuay({ port: 0, tls: { cert, key } });
    t.after(() => own.close());
    await suite.create('any');
    await suite.token(token({ quayapiurl: own.apiUrl }));
    const refused = await suite.run('any');
    assert.equal('reason' in refused && refused.reason, 'RegistryConfiguration', JSON.stringify(refused));
    await suite.token(token({ quayapiurl: `${own.apiUrl}/`, 'ca.crt': authority.ca }));
    const { status } = await suite.settled('any', { attempt: 1 });
    const url = `${own.host}/${ORG}/${suite.namespace}/any`;
    assert.equal(status.image?.url, url);
    assert.ok((await suite.login('any-image-push', url)).token);
    assert.deepEqual(suite.asked(), []);
  });
});

onBothServers(
  'runtime with --quay-registry-host',
  (suite) => {
    test('C85 image URLs have the host that is set', async () => {
      await suite.create('any');
      const { status } = await suite.settled('any');
      const url = `images.example.com:8443/${ORG}/${suite.namespace}/any`;
      assert.equal(status.image?.url, url);
      assert.ok((await suite.login('any-image-push', url)).token);
      // The name that is provisioned is found in it again.
      await suite.bench.edit('any', { spec: { image: { name: 'other' } } });
      assert.equal((await suite.settled('any')).spec?.image?.name, `${suite.namespace}/any`);
    });
  },
  { settings: { 'quay-registry-host': 'images.example.com:8443' } },
);
