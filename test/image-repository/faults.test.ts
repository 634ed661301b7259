/** Bad input and faults: each ends as the specification says, and nothing that was published is lost by it. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { tooManyRequests } from '../../infra/local/registry/faults.ts';
import { type LocalRegistry, startRegistry } from '../../infra/local/registry/registry.ts';
import { KubeError } from '../../shared/kube/errors.ts';
import { createAuthority } from '../parts/certificates.ts';
import { createFakeCluster, type FakeCluster } from '../workbench/fake-cluster.ts';
import { assertKstatus } from '../workbench/kstatus.ts';
import { startProxy } from './proxy.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

const LISTING = /\/tags\/list/;
const STATUS = 'imagerepositories/status';

let registry: LocalRegistry;
let cluster: FakeCluster;
let bench: Workbench;

before(async () => {
  registry = await startRegistry({ port: 0 });
  await registry.push('team/app', ['1.0', '1.1']);
});
after(() => registry.close());
beforeEach(async () => {
  cluster = createFakeCluster();
  bench = await openWorkbench({ kube: cluster, speed: 20 });
});
afterEach(async () => {
  registry.faults.clear();
  await bench.close();
});

const image = () => `${registry.host}/team/app`;
const gone = () => new KubeError('connect ECONNREFUSED', { status: 0 });

describe('the API server', () => {
  it('is gone: the run is repeated, and what was stored stays', async () => {
    await bench.create('web', { image: image() });
    await bench.run('web');
    const { metadata, status } = (await bench.read('web'))!;
    bench.clock.move(600_000);
    bench.hooks.api = () => {
      throw gone();
    };
    const outcome = await bench.run('web', { trigger: 'timer' });
    assert.equal(outcome.result, 'retry');
    bench.hooks.api = undefined;
    assert.deepEqual((await bench.read('web'))!.status, status);
    assert.deepEqual((await bench.record('web', metadata.uid))?.tags, ['1.1', '1.0']);
    assert.equal((await bench.run('web', { trigger: 'timer', attempt: 1 })).result, 'ok');
  });

  it('is gone when the status is written: the tags are stored, and the run after it tells of them', async () => {
    await bench.create('web', { image: image() });
    bench.hooks.api = ({ on }) => {
      if (on === STATUS) throw gone();
    };
    const outcome = await bench.run('web');
    assert.equal(outcome.result, 'retry');
    const { uid } = (await bench.read('web'))!.metadata;
    const record = await bench.record('web', uid);
    assert.equal(record?.tags.length, 2);

    bench.hooks.api = undefined;
    bench.forget();
    const repeated = await bench.run('web', { attempt: 1 });
    assert.equal(repeated.result === 'ok' && repeated.changed, record!.revision, 'dependents hear of it');
    assert.deepEqual(
      bench.stored.map(({ verb }) => verb),
      ['get'],
    );
  });

  it('has a newer object: the status is written over it once more, and what the other wrote stays', async () => {
    await bench.create('web', { image: image() });
    let conflicts = 0;
    bench.hooks.api = async ({ verb, on }) => {
      if (verb === 'patch' && on === STATUS && conflicts++ === 0) {
        await bench.annotate('web', { 'example.com/note': 'by somebody' });
      }
    };
    assert.equal((await bench.run('web')).result, 'ok');
    const object = (await bench.read('web'))!;
    assert.equal(object.metadata.annotations!['example.com/note'], 'by somebody');
    assertKstatus(object);
    assert.equal(conflicts, 2);
  });

  it('has ever newer objects: the run is repeated', async () => {
    await bench.create('web', { image: image() });
    let notes = 0;
    bench.hooks.api = async ({ verb, on }) => {
      if (verb === 'patch' && on === STATUS) await bench.annotate('web', { note: String(notes++) });
    };
    const outcome = await bench.run('web');
    assert.equal(outcome.result === 'retry' && outcome.reason, 'Conflict');
  });

  it('takes no events: the run succeeds', async () => {
    await bench.create('web', { image: image() });
    bench.hooks.api = ({ on }) => {
      if (on === 'events') throw new KubeError('forbidden', { status: 403, reason: 'Forbidden' });
    };
    const outcome = await bench.run('web');
    assert.equal(outcome.result, 'ok');
    assert.equal(outcome.events, 0);
    assert.ok(bench.log.some((line) => line.includes('event could not be written')));
  });

  it('refuses a Secret: the object says so', async () => {
    await bench.create('web', { image: image(), secretRef: { name: 'regcred' } });
    bench.hooks.api = ({ on }) => {
      if (on === 'secrets') throw new KubeError('secrets "regcred" is forbidden', { status: 403 });
    };
    const outcome = await bench.run('web');
    assert.equal(outcome.result === 'retry' && outcome.reason, 'AuthenticationFailed');
    assert.match(outcome.result === 'retry' ? outcome.message : '', /regcred" is forbidden/);
  });

  it('refuses the progress patch: logged, no more', async () => {
    await bench.create('web', { image: image() });
    registry.faults.add({ path: LISTING, delayMs: 60 });
    let patches = 0;
    bench.hooks.api = ({ verb, on }) => {
      if (verb === 'patch' && on === STATUS && patches++ === 0) throw gone();
    };
    assert.equal((await bench.run('web')).result, 'ok');
    assert.equal(patches, 2);
    assert.ok(bench.log.some((line) => line.includes('progress could not be shown')));
  });

  it('serves another version of the kind than before', async () => {
    await bench.create('web', { image: image() });
    await bench.run('web');
    cluster.versions = ['v1beta2', 'v1beta1'];
    assert.equal((await bench.run('web', { trigger: 'requested', attempt: 1 })).result, 'ok');
    assert.equal((await bench.run('gone')).result, 'gone');
    cluster.versions = ['v1', 'v1beta2', 'v1beta1'];
  });
});

describe('what is stored', () => {
  for (const [name, content] of [
    ['cut', '{"format":1'],
    ['of another format', '{"format":99}\n'],
    ['no JSON', 'v1\nv2\n'],
    ['empty', ''],
  ] as const) {
    it(`a record that is ${name} is written again by the next run`, async () => {
      await bench.create('web', { image: image() });
      await bench.run('web');
      const { uid } = (await bench.read('web'))!.metadata;
      await bench.store.put(`test/tags/${bench.namespace}/web`, Buffer.from(content));
      assert.equal((await bench.run('web', { trigger: 'resync' })).result, 'ok');
      assert.deepEqual((await bench.record('web', uid))?.tags, ['1.1', '1.0']);
      assert.ok(bench.log.some((line) => line.includes('tag record cannot be used')));
    });
  }

  it('a record of a predecessor with the same name is none', async () => {
    await bench.create('web', { image: image() });
    await bench.run('web');
    const first = (await bench.read('web'))!.metadata.uid;
    await bench.edit('web', { metadata: { finalizers: null } });
    await bench.remove('web');
    await registry.push('team/other', ['9.9']);
    await bench.create('web', { image: `${registry.host}/team/other` });
    await bench.run('web');
    const { uid } = (await bench.read('web'))!.metadata;
    assert.notEqual(uid, first);
    assert.deepEqual((await bench.record('web', uid))?.tags, ['9.9']);
    assert.equal(await bench.record('web', first), undefined);
  });
});

describe('what people write', () => {
  it('100,000 tags, and a pattern for them', async () => {
    const tags = Array.from({ length: 100_000 }, (_, index) => `v1.${index}.0${index % 2 ? '-rc1' : ''}`);
    await registry.push('team/large', tags);
    await bench.create('web', { image: `${registry.host}/team/large`, exclusionList: ['-rc[0-9]+$'] });
    const outcome = await bench.run('web');
    assert.equal(outcome.result, 'ok', JSON.stringify(outcome));
    const { metadata, status } = (await bench.read('web'))!;
    assert.equal(status!.lastScanResult!.tagCount, 50_000);
    assert.equal((await bench.record('web', metadata.uid))!.tags.length, 50_000);
  });

  it('more tags than the operator allows', async () => {
    const small = await openWorkbench({ kube: cluster, settings: { 'max-tags': '1' } });
    await small.create('web', { image: image() });
    const outcome = await small.run('web');
    assert.match(outcome.result === 'retry' ? outcome.message : '', /^scan failed: .*max-tags/);
    await small.close();
  });

  it('evil patterns: other objects get their turn meanwhile', async () => {
    const tags = Array.from({ length: 5000 }, (_, index) => `${'a'.repeat(120)}${index}-`);
    await registry.push('team/evil', tags);
    const evil = ['^(a+)+$', '(a|aa)+$', '(.*a){40}b', '^(([a-z])+.)+[A-Z]([a-z])+$'];
    await bench.create('evil', { image: `${registry.host}/team/evil`, exclusionList: evil });
    await bench.create('web', { image: image() });
    const slow = bench.run('evil');
    assert.equal((await bench.run('web')).result, 'ok');
    assert.equal((await slow).result, 'ok');
  });

  it('durations that only foreign CRDs let pass', async () => {
    cluster.prune = () => {};
    for (const [name, spec, message] of [
      ['one', { interval: 'soon' }, /invalid duration 'soon'/],
      ['two', { timeout: '5 minutes' }, /invalid duration '5 minutes'/],
    ] as const) {
      await bench.create(name, { image: image(), ...spec });
      const outcome = await bench.run(name);
      assert.equal(outcome.result === 'stalled' && outcome.reason, 'InvalidSpec');
      assert.match(outcome.result === 'stalled' ? outcome.message : '', message);
      assertKstatus((await bench.read(name))!);
    }
  });

  it('a provider that only foreign CRDs let pass', async () => {
    cluster.prune = () => {};
    await bench.create('web', { image: image(), provider: 'ibm' as 'aws' });
    const outcome = await bench.run('web');
    assert.match(
      outcome.result === 'retry' ? outcome.message : '',
      /options: provider 'ibm' not implemented$/,
    );
  });

  it('a cloud that knows no such host: the run tells what it asked of the cache of tokens', async () => {
    await bench.create('web', { image: 'ghcr.io/org/app', provider: 'aws' });
    const { measures = [] } = await bench.run('web');
    const values = measures.map(({ name, value, labels = {} }) => [name, ...Object.values(labels), value]);
    assert.deepEqual(values.slice(1), [
      ['gotk_token_cache_events_total', 'cache_miss', 1],
      ['gotk_token_cache_requests_total', 'failure', 1],
      ['gotk_token_cached_items', 0],
    ]);
  });

  it('texts without end: the message is bounded, and names what is wrong', async () => {
    for (const [name, spec] of [
      ['image', { image: `https://${'x'.repeat(1_000_000)}` }],
      ['spaces', { image: ' '.repeat(1_000_000) }],
      ['pattern', { image: image(), exclusionList: [`(${'a'.repeat(1_000_000)}`] }],
    ] as const) {
      await bench.create(name, spec as object);
      const outcome = await bench.run(name);
      const message = 'message' in outcome ? outcome.message : '';
      assert.ok(message.length > 0 && message.length < 2000, `${message.length}`);
    }
  });
});

describe('a registry that asks to wait', () => {
  it('longer than a run waits: the run ends, and comes back then', async (t) => {
    const busy = await startRegistry({ port: 0, faults: [{ path: LISTING, ...tooManyRequests(20) }] });
    t.after(() => busy.close());
    await bench.create('web', { image: `${busy.host}/team/app` });
    const outcome = await bench.run('web');
    assert.ok(outcome.result === 'retry', outcome.result);
    assert.equal(outcome.reason, 'ReadOperationFailed');
    assert.match(
      outcome.message,
      /429 .*TOOMANYREQUESTS: rate limit exceeded; the registry asks to wait 20s$/,
    );
    assert.ok(outcome.retryAfterMs! > 19_000 && outcome.retryAfterMs! <= 20_000, `${outcome.retryAfterMs}`);
    assert.equal(busy.requests.count('GET', LISTING), 1);

    const again = await bench.run('web', { attempt: 1 });
    assert.ok(again.result === 'retry' && again.retryAfterMs! <= 20_000);
    assert.match(again.message, /not asked after status code 429; the registry asks to wait 20s$/);
    assert.equal(busy.requests.count('GET', LISTING), 1);
    assertKstatus((await bench.read('web'))!);
  });
});

describe('the time of the function', () => {
  it('is shorter than the timeout: the message says so (IR-REPO-3)', async () => {
    await bench.create('web', { image: image() });
    registry.faults.add({ path: LISTING, delayMs: Number.POSITIVE_INFINITY });
    const outcome = await bench.run('web', { remainingMs: 13_000 });
    const text = 'scan failed: deadline of 3s exceeded: the function had no more time left';
    assert.ok(outcome.result === 'retry' && outcome.message.startsWith(text), JSON.stringify(outcome));
    assertKstatus((await bench.read('web'))!);
  });

  it('ends in the middle: nothing is written, the run is repeated', async () => {
    await bench.create('web', { image: image() });
    registry.requests.clear();
    registry.faults.add({ path: LISTING, delayMs: Number.POSITIVE_INFINITY });
    const stop = new AbortController();
    const run = bench.run('web', { signal: stop.signal });
    while (registry.requests.count('GET', LISTING) === 0) await new Promise((turn) => setImmediate(turn));
    stop.abort(new Error('the process stops'));
    const outcome = await run;
    assert.equal(outcome.result === 'retry' && outcome.message, 'the process stops');
    assert.equal((await bench.read('web'))!.status!.conditions, undefined);
  });
});

describe('a planted canary', () => {
  const CANARY = 'canary-4f9d1c';

  it('is found in no log, event, status, outcome or record', async (t) => {
    const authority = await createAuthority();
    const users = { ann: CANARY };
    const secure = await startRegistry({
      port: 0,
      auth: { scheme: 'bearer', users, identityTokens: { [`${CANARY}-id`]: 'ann' } },
      tls: await authority.server(),
    });
    const proxy = await startProxy(`joe:${CANARY}-proxy`);
    t.after(() => Promise.all([secure.close(), proxy.close()]));
    await secure.push('team/app', ['1.0']);
    const client = await authority.client();
    const auths = { [secure.host]: { username: 'ann', password: CANARY } };
    await bench.secret(
      'good',
      { '.dockerconfigjson': JSON.stringify({ auths }) },
      'kubernetes.io/dockerconfigjson',
    );
    const wrong = { [secure.host]: { auth: Buffer.from(`ann:${CANARY}-wrong`).toString('base64') } };
    await bench.secret(
      'wrong',
      { '.dockerconfigjson': JSON.stringify({ auths: wrong }) },
      'kubernetes.io/dockerconfigjson',
    );
    const identity = { [secure.host]: { identitytoken: `${CANARY}-id` } };
    await bench.secret(
      'identity',
      { '.dockerconfigjson': JSON.stringify({ auths: identity }) },
      'kubernetes.io/dockerconfigjson',
    );
    await bench.secret(
      'bad',
      { '.dockerconfigjson': `{"auths": "${CANARY}"}` },
      'kubernetes.io/dockerconfigjson',
    );
    await bench.secret('tls', { 'ca.crt': authority.ca, 'tls.crt': client.cert, 'tls.key': client.key });
    await bench.secret('odd-tls', {
      'ca.crt': `-----BEGIN CERTIFICATE-----\n${CANARY}\n-----END CERTIFICATE-----`,
    });
    await bench.secret('proxy', { address: proxy.address, username: 'joe', password: `${CANARY}-proxy` });
    await bench.secret('odd-proxy', { address: `ftp://joe:${CANARY}@127.0.0.1` });

    const tls = { certSecretRef: { name: 'tls' } };
    const specs: [name: string, spec: object, echo?: boolean][] = [
      ['good', { ...tls, secretRef: { name: 'good' } }],
      ['proxied', { ...tls, secretRef: { name: 'good' }, proxySecretRef: { name: 'proxy' } }],
      ['identity', { ...tls, secretRef: { name: 'identity' } }],
      ['wrong', { ...tls, secretRef: { name: 'wrong' } }],
      ['bad', { ...tls, secretRef: { name: 'bad' } }],
      ['odd-tls', { certSecretRef: { name: 'odd-tls' }, secretRef: { name: 'good' } }],
      ['odd-proxy', { ...tls, proxySecretRef: { name: 'odd-proxy' } }],
      ['echo', { ...tls, secretRef: { name: 'good' } }, true],
    ];
    const outcomes: unknown[] = [];
    const basic = Buffer.from(`ann:${CANARY}`).toString('base64');
    for (const [name, spec, echo] of specs) {
      await bench.create(name, { image: `${secure.host}/team/app`, ...spec });
      if (echo) {
        const message = `you sent Authorization: Basic ${basic}, that is ${CANARY}, ${basic}`;
        secure.faults.add({ path: LISTING, status: 403, body: { errors: [{ code: 'DENIED', message }] } });
      }
      outcomes.push(await bench.run(name));
      secure.faults.clear();
    }
    assert.deepEqual(
      outcomes.map((outcome) => (outcome as { result: string }).result),
      ['ok', 'ok', 'ok', 'retry', 'retry', 'retry', 'retry', 'retry'],
    );

    const objects = await Promise.all(specs.map(([name]) => bench.read(name)));
    const events = await Promise.all(specs.map(([name]) => bench.events(name)));
    const records = [];
    for await (const { key } of bench.store.list('')) {
      records.push((await (await bench.store.get(key))!.bytes()).toString());
    }
    assert.ok(records.length >= 3);
    const statuses = objects.map((object) => object!.status);
    const everything = JSON.stringify([outcomes, statuses, events, bench.log, records]);
    for (const form of [CANARY, Buffer.from(CANARY).toString('base64').slice(0, -2), basic]) {
      const at = everything.indexOf(form);
      assert.equal(at, -1, `${form} stands in …${everything.slice(at - 200, at + 100)}`);
    }
  });
});
