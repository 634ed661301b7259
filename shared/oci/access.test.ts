import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createAuthority } from '../../test/parts/certificates.ts';
import { RunSecrets } from '../runtime/redact.ts';
import type { AccessError } from './errors.ts';
import { environmentProxies } from './proxy.ts';
import { accessTo, pullSecret, readerOf, SETTINGS, type TestSecret } from './test-registry.ts';

const signal = AbortSignal.timeout(20_000);
const authority = await createAuthority('ca');
const pair = await authority.client();
const other = await authority.client('other');

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => assert.fail('expected an error'),
    (reason: Error) => reason,
  );
  assert.doesNotMatch(error.message, /canary/);
  return error.message;
}

describe('TLS Secrets (IR-TLS-1, IR-TLS-2)', () => {
  const read = (data: Record<string, string>, type?: string) =>
    accessTo('ghcr.io/a', { certSecretRef: { name: 'tls' } }, { tls: { type, data } });
  const where = "secret 'apps/tls'";

  const refused: [name: string, data: Record<string, string>, message: string][] = [
    ['certificate alone', { 'tls.crt': pair.cert }, `${where} contains 'tls.crt' but missing 'tls.key'`],
    ['key alone', { 'tls.key': pair.key }, `${where} contains 'tls.key' but missing 'tls.crt'`],
    ['older key alone', { keyFile: pair.key }, `${where} contains 'keyFile' but missing 'tls.crt'`],
    ['nothing', {}, `${where} must contain either 'ca.crt' or both 'tls.crt' and 'tls.key'`],
    ['foreign keys', { x: 'y' }, `${where} must contain either 'ca.crt' or both 'tls.crt' and 'tls.key'`],
    ['no PEM', { 'ca.crt': 'canary' }, `${where}: 'ca.crt' holds no PEM certificate`],
    [
      'broken PEM',
      { 'ca.crt': '-----BEGIN CERTIFICATE-----\ncanary\n-----END CERTIFICATE-----' },
      `${where}: 'ca.crt' cannot be parsed as PEM certificate`,
    ],
    [
      'broken key',
      { 'tls.crt': pair.cert, 'tls.key': 'canary' },
      `${where}: 'tls.key' cannot be parsed as PEM private key`,
    ],
    [
      'a pair that is none',
      { 'tls.crt': pair.cert, 'tls.key': other.key },
      `${where}: 'tls.crt' and 'tls.key' do not belong together`,
    ],
    [
      'an empty current key hides the older one',
      { 'ca.crt': '', caFile: authority.ca },
      `${where} must contain either 'ca.crt' or both 'tls.crt' and 'tls.key'`,
    ],
  ];
  for (const [name, data, message] of refused) {
    test(name, async () => assert.equal(await refusal(read(data)), message));
  }

  test('accepted: authority, pair, all three, mixed keys, any type', async () => {
    const pairData = { 'tls.crt': pair.cert, 'tls.key': pair.key };
    assert.deepEqual((await read({ 'ca.crt': authority.ca })).warnings, []);
    assert.deepEqual((await read(pairData, 'kubernetes.io/tls')).warnings, []);
    assert.deepEqual((await read({ ...pairData, 'ca.crt': authority.ca })).warnings, []);
    assert.deepEqual((await read({ 'ca.crt': authority.ca, caFile: 'garbage' })).warnings, []);
    assert.deepEqual(
      (await read({ 'tls.crt': pair.cert, keyFile: pair.key, caFile: authority.ca })).warnings,
      [
        `${where}: key 'keyFile' is deprecated, use 'tls.key'`,
        `${where}: key 'caFile' is deprecated, use 'ca.crt'`,
      ],
    );
  });

  test('the same content is prepared once', async () => {
    const first = await read({ 'ca.crt': authority.ca });
    const second = await read({ 'ca.crt': authority.ca });
    assert.equal(first.tls.context, second.tls.context);
    assert.equal(first.fingerprint, second.fingerprint);
    assert.notEqual(first.fingerprint, (await accessTo('ghcr.io/a')).fingerprint);
  });
});

describe('proxy Secrets (IR-PRX-1)', () => {
  const read = (data: Record<string, string>) =>
    accessTo('ghcr.io/a', { proxySecretRef: { name: 'proxy' } }, { proxy: { data } });
  const bad = "secret 'apps/proxy': key 'address' is no URL with scheme http, https or socks5 and a host";
  const refused: [address: string | undefined, message: string][] = [
    [undefined, "secret 'apps/proxy': key 'address' is missing"],
    ['', "secret 'apps/proxy': key 'address' is missing"],
    ['proxy.example:8080', bad],
    ['ftp://canary@proxy.example', bad],
    ['http://', bad],
    ['socks4://canary.example', bad],
    [`http://${'a'.repeat(2048)}`, "secret 'apps/proxy': key 'address' is longer than 2048 characters"],
  ];
  for (const [address, message] of refused) {
    test(`address ${String(address).slice(0, 30)}`, async () => {
      assert.equal(await refusal(read(address === undefined ? {} : { address })), message);
    });
  }

  test('user and password go into the address', async () => {
    const target = new URL('https://ghcr.io/');
    const url = async (data: Record<string, string>) => (await read(data)).proxyFor(target)?.url.href;
    const address = 'http://proxy.example:8080';
    assert.equal(await url({ address }), 'http://proxy.example:8080/');
    assert.equal(await url({ address, username: 'u' }), 'http://u@proxy.example:8080/');
    assert.equal(
      await url({ address, username: 'u', password: 'p:@' }),
      'http://u:p%3A%40@proxy.example:8080/',
    );
    assert.equal(await url({ address, password: 'p' }), 'http://proxy.example:8080/');
  });

  test('a proxy of the object replaces those of the environment', async () => {
    const proxies = environmentProxies({ HTTPS_PROXY: 'http://environment:1' });
    const spec = { proxySecretRef: { name: 'proxy' } };
    const secrets = { proxy: { data: { address: 'http://object:2' } } };
    const target = new URL('https://ghcr.io/');
    assert.equal(
      (await accessTo('ghcr.io/a', spec, secrets, { proxies })).proxyFor(target)?.url.host,
      'object:2',
    );
    assert.equal(
      (await accessTo('ghcr.io/a', {}, {}, { proxies })).proxyFor(target)?.url.host,
      'environment:1',
    );
  });
});

describe('proxies of the environment (IR-PRX-2)', () => {
  const rows: [noProxy: string, target: string, proxied: boolean][] = [
    ['', 'https://ghcr.io/', true],
    ['', 'http://ghcr.io/', true],
    ['*', 'https://ghcr.io/', false],
    ['ghcr.io', 'https://ghcr.io/', false],
    ['ghcr.io', 'https://sub.ghcr.io/', false],
    ['.ghcr.io', 'https://sub.ghcr.io/', false],
    ['.ghcr.io', 'https://ghcr.io/', true],
    ['*.ghcr.io', 'https://sub.ghcr.io/', false],
    ['hcr.io', 'https://ghcr.io/', true],
    ['ghcr.io:443', 'https://ghcr.io/', false],
    ['ghcr.io:5000', 'https://ghcr.io/', true],
    ['a, 10.0.0.0/8', 'http://10.1.2.3/', false],
    ['10.0.0.0/8', 'http://11.1.2.3/', true],
    ['10.0.0.1', 'http://10.0.0.1:5000/', false],
    ['', 'http://127.0.0.1:5000/', false],
    ['', 'http://localhost:5000/', false],
    ['', 'http://[::1]:5000/', false],
  ];
  for (const [NO_PROXY, target, proxied] of rows) {
    test(`NO_PROXY='${NO_PROXY}' ${target}`, () => {
      const choose = environmentProxies({ https_proxy: 'secure:1', HTTP_PROXY: 'http://plain:2', NO_PROXY });
      const expected = target.startsWith('https') ? 'secure:1' : 'plain:2';
      assert.equal(choose(new URL(target))?.url.host, proxied ? expected : undefined);
    });
  }

  test('an unusable one is named', () => {
    assert.throws(
      () => environmentProxies({ HTTPS_PROXY: 'ftp://x' }),
      /^Error: HTTPS_PROXY: expected a URL/,
    );
    assert.equal(environmentProxies({})(new URL('https://ghcr.io')), undefined);
  });
});

describe('which credentials (6.1)', () => {
  const secret = (user: string, key = 'ghcr.io'): TestSecret =>
    pullSecret(key, { username: user, password: `canary-${user}` });
  const secrets = {
    first: secret('first'),
    second: secret('second', 'ghcr.io/team'),
    foreign: secret('foreign', 'quay.io'),
    opaque: { type: 'Opaque', data: {} },
    broken: { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': '{' } },
  };
  const accounts = {
    puller: { imagePullSecrets: ['second', 'first'] },
    gone: { imagePullSecrets: ['missing'] },
    none: {},
  };
  const resolve = (spec: Parameters<typeof accessTo>[1], more: Parameters<typeof accessTo>[3] = {}) =>
    accessTo('ghcr.io/team/app', spec, {}, { reader: readerOf(secrets, accounts), ...more });
  const userOf = async (...args: Parameters<typeof resolve>) =>
    (await (await resolve(...args)).credentials.get(signal))?.username;

  test('anonymous without a Secret and with one that does not match', async () => {
    assert.equal(await userOf({}), undefined);
    assert.equal(await userOf({ secretRef: { name: 'foreign' } }), undefined);
    assert.equal(await userOf({ serviceAccountName: 'none' }), undefined);
  });

  test('secretRef comes before the pull secrets of the service account, which keep their order', async () => {
    assert.equal(await userOf({ secretRef: { name: 'first' }, serviceAccountName: 'puller' }), 'first');
    assert.equal(await userOf({ serviceAccountName: 'puller' }), 'second');
    assert.equal(await userOf({ secretRef: { name: 'foreign' }, serviceAccountName: 'puller' }), 'second');
  });

  test('what is missing or unreadable is an error, wherever it stands', async () => {
    assert.match(
      await refusal(resolve({ secretRef: { name: 'missing' } })),
      /secret 'apps\/missing' not found/,
    );
    assert.match(
      await refusal(resolve({ serviceAccountName: 'nobody' })),
      /serviceaccount 'apps\/nobody' not found/,
    );
    const spec = { secretRef: { name: 'first' }, serviceAccountName: 'gone' };
    assert.match(await refusal(resolve(spec)), /secret 'apps\/missing' not found/);
    assert.match(await refusal(resolve({ secretRef: { name: 'broken' } })), /is not valid JSON/);
  });

  test('a Secret of another type is ignored with a note', async () => {
    const access = await resolve({ secretRef: { name: 'opaque' } });
    assert.deepEqual(access.warnings, [
      "secret 'apps/opaque' of type 'Opaque' is ignored: it is no image pull secret",
    ]);
    assert.equal(await access.credentials.get(signal), undefined);
  });

  test('what was decoded is kept out of all texts of the run', async () => {
    const run = new RunSecrets();
    await resolve({ secretRef: { name: 'first' } }, { secrets: run });
    assert.equal(run.scrub('it was canary-first'), 'it was ***');
  });

  test('the fingerprint tells credentials apart and shows none', async () => {
    const [first, second, nobody] = await Promise.all([
      resolve({ secretRef: { name: 'first' } }),
      resolve({ secretRef: { name: 'second' } }),
      resolve({}),
    ]);
    assert.equal(new Set([first, second, nobody].map(({ fingerprint }) => fingerprint)).size, 3);
    assert.doesNotMatch(first.fingerprint, /canary|first/);
    assert.equal(first.fingerprint, (await resolve({ secretRef: { name: 'first' } })).fingerprint);
  });

  test('providers that are not there say what they would need', async () => {
    assert.match(
      await refusal(resolve({ provider: 'gcp' })),
      /provider 'gcp' needs a Google Cloud workload identity/,
    );
    assert.match(
      await refusal(resolve({ provider: 'azure' })),
      /provider 'azure' needs an Entra ID workload identity/,
    );
    assert.equal(await refusal(resolve({ provider: 'oci' })), "provider 'oci' not implemented");
  });

  test('a provider wins over Secrets, but for the kind where Secrets win', async () => {
    const spec = { provider: 'gcp', secretRef: { name: 'first' } };
    assert.match(await refusal(resolve(spec)), /provider 'gcp'/);
    const rules = { secretsFirst: true, insecureSkipsVerify: true };
    assert.equal(await userOf(spec, { rules }), 'first');
    assert.match(await refusal(resolve({ provider: 'gcp' }, { rules })), /provider 'gcp'/);
  });

  test('an error says which part of the access it is about; Secrets are read first where they win', async () => {
    const part = (spec: object, rules?: { secretsFirst: boolean; insecureSkipsVerify: boolean }) =>
      resolve(spec, { rules }).then(
        () => assert.fail('expected an error'),
        (error: AccessError) => error.part,
      );
    const none = { name: 'nowhere' };
    assert.equal(await part({ proxySecretRef: none }), 'proxy');
    assert.equal(await part({ certSecretRef: none }), 'tls');
    assert.equal(await part({ secretRef: none }), 'credentials');
    assert.equal(await part({ serviceAccountName: 'nobody' }), 'credentials');
    assert.equal(await part({ provider: 'gcp' }), 'login');
    assert.equal(await part({ provider: 'gcp', serviceAccountName: 'plain' }), 'gate');
    assert.equal(await part({ secretRef: none, proxySecretRef: none }), 'proxy');
    const rules = { secretsFirst: true, insecureSkipsVerify: true };
    assert.equal(await part({ secretRef: none, proxySecretRef: none }, rules), 'credentials');
  });

  test('object identity needs the gate and an annotation with a role', async () => {
    const gate = { ...SETTINGS, 'feature-gates': { ObjectLevelWorkloadIdentity: true } };
    const reader = readerOf(
      {},
      { plain: {}, odd: { annotations: { 'eks.amazonaws.com/role-arn': 'canary' } } },
    );
    const requestToken = async () => 'token';
    const aws = (name: string, more: object) =>
      refusal(resolve({ provider: 'aws', serviceAccountName: name }, { reader, requestToken, ...more }));
    assert.match(await aws('plain', {}), /needs the feature gate ObjectLevelWorkloadIdentity/);
    assert.match(
      await aws('plain', { settings: gate }),
      /serviceaccount 'apps\/plain' has no annotation 'eks\.amazonaws/,
    );
    assert.match(
      await aws('odd', { settings: gate }),
      /'eks\.amazonaws\.com\/role-arn' is not the ARN of an IAM role/,
    );
    const byDefault = { ...gate, 'default-service-account': 'odd' };
    assert.match(
      await refusal(resolve({ provider: 'aws' }, { reader, requestToken, settings: byDefault })),
      /apps\/odd/,
    );
  });
});
