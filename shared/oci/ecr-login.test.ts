import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { noCacheUse, processCloudTokens } from './cloud-tokens.ts';
import { closeConnections } from './connections.ts';
import type { AwsCall, AwsCredentials, EcrApi } from './ecr-api.ts';
import { parseEcrHost } from './ecr-host.ts';
import { startHttpProxy } from './test-proxy.ts';
import {
  accessTo,
  openTest,
  pullSecret,
  QuickClock,
  readerOf,
  SETTINGS,
  sendJson,
  servePages,
  soon,
  startServer,
  type TestServer,
} from './test-registry.ts';

after(closeConnections);

const HOST = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
const IMAGE = `${HOST}/team/app`;
const ROLE = 'arn:aws:iam::123456789012:role/puller';
const encode = (password: string) => Buffer.from(`AWS:${password}`).toString('base64');

describe('appendix D.3', () => {
  const rows: [host: string, region: string | undefined, fips: boolean, dualStack: boolean][] = [
    ['123456789012.dkr.ecr.eu-west-1.amazonaws.com', 'eu-west-1', false, false],
    ['123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com', 'us-gov-west-1', true, false],
    ['123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn', 'cn-north-1', false, false],
    ['123456789012.dkr-ecr.eu-west-1.on.aws', 'eu-west-1', false, true],
    ['123456789012.dkr-ecr-fips.us-east-1.on.aws', 'us-east-1', true, true],
    ['123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu', 'eusc-de-east-1', false, false],
    ['public.ecr.aws', 'us-east-1', false, false],
    ['x.dkr.ecr.us-east-1.amazonaws.com', undefined, false, false],
    ['123456789012.ecr.us-east-1.amazonaws.com', undefined, false, false],
    ['123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example', undefined, false, false],
    ['evil.example.123456789012.dkr.ecr.us-east-1.amazonaws.com', undefined, false, false],
    ['123456789012.dkr.ecr.us-east-1.amazonaws.com:443', undefined, false, false],
    ['123456789012.dkr.ecr.us-east-1.amazonaws.com\n', undefined, false, false],
  ];
  for (const [host, region, fips, dualStack] of rows) {
    test(`${JSON.stringify(host)} ${region ? `is in ${region}` : 'is none of ECR'}`, () => {
      const kind = host === 'public.ecr.aws' ? 'public' : 'private';
      assert.deepEqual(parseEcrHost(host), region ? { kind, region, fips, dualStack } : undefined);
    });
  }
});

/** An AWS that counts what it is asked. */
function countingApi(life = 12 * 3_600_000) {
  const clock = new QuickClock();
  const calls: { call: AwsCall; credentials: AwsCredentials | undefined }[] = [];
  const roles: { roleArn: string; sessionName: string; webIdentityToken: string }[] = [];
  const ecrApi: EcrApi = {
    async authorizationToken(call, credentials) {
      calls.push({ call, credentials });
      return { token: encode(`password-${calls.length}`), expiresAt: clock.now() + life };
    },
    async assumeRole(_call, request) {
      roles.push(request);
      return { accessKeyId: 'id', secretAccessKey: 'secret', sessionToken: 'session' };
    },
  };
  // Settings of their own give the test a cache of its own.
  const settings = { ...SETTINGS, 'token-cache-max-duration': 3_600_000 - countingApi.number++ };
  return { clock, calls, roles, ecrApi, settings };
}
countingApi.number = 0;

describe('logins (IR-AWS-1 to 4, IR-TOK-1)', () => {
  const signal = AbortSignal.timeout(20_000);

  test('preparing asks nobody; the first request logs in; the token is kept for an hour at most', async () => {
    const { clock, calls, ecrApi, settings } = countingApi();
    const resolve = () => accessTo(IMAGE, { provider: 'aws' }, {}, { ecrApi, settings, clock });
    const access = await resolve();
    assert.equal(calls.length, 0);
    const credential = { username: 'AWS', password: 'password-1' };
    assert.deepEqual(await access.credentials.get(signal), credential);
    assert.deepEqual(calls[0]?.call.host, parseEcrHost(HOST));
    assert.equal(calls[0]?.credentials, undefined);
    clock.advance(59 * 60_000);
    assert.deepEqual(await (await resolve()).credentials.get(signal), credential);
    clock.advance(60_000);
    assert.equal((await (await resolve()).credentials.get(signal))?.password, 'password-2');
  });

  test('a short-lived token is kept for 80 % of its life', async () => {
    const { clock, calls, ecrApi, settings } = countingApi(100_000);
    const { credentials } = await accessTo(IMAGE, { provider: 'aws' }, {}, { ecrApi, settings, clock });
    await credentials.get(signal);
    clock.advance(79_000);
    await credentials.get(signal);
    assert.equal(calls.length, 1);
    clock.advance(2000);
    await credentials.get(signal);
    assert.equal(calls.length, 2);
  });

  test('runs that start together log in once; a cache of size 0 keeps nothing', async () => {
    const { clock, calls, ecrApi, settings } = countingApi();
    const resolve = (more: object = {}) =>
      accessTo(IMAGE, { provider: 'aws' }, {}, { ecrApi, settings: { ...settings, ...more }, clock });
    const both = await Promise.all([resolve(), resolve()]);
    await Promise.all(both.map(({ credentials }) => credentials.get(signal)));
    assert.equal(calls.length, 1);
    for (let i = 0; i < 2; i++) await (await resolve({ 'token-cache-max-size': 0 })).credentials.get(signal);
    assert.equal(calls.length, 3);
  });

  test('a role of a service account: token, role, session name; kept apart from other identities', async () => {
    const { clock, calls, roles, ecrApi, settings } = countingApi();
    const asked: object[] = [];
    const annotations = { 'eks.amazonaws.com/role-arn': ROLE };
    const long = 'a'.repeat(60);
    const more = {
      ecrApi,
      clock,
      settings: { ...settings, 'feature-gates': { ObjectLevelWorkloadIdentity: true } },
      reader: readerOf({}, { puller: { annotations }, [long]: { annotations } }),
      requestToken: async (request: object) => {
        asked.push(request);
        return 'identity-token';
      },
    };
    for (const serviceAccountName of ['puller', 'puller', long, undefined]) {
      const { credentials } = await accessTo(IMAGE, { provider: 'aws', serviceAccountName }, {}, more);
      await credentials.get(signal);
    }
    assert.deepEqual(asked[0], { serviceAccount: 'puller', audience: 'sts.amazonaws.com', seconds: 600 });
    assert.deepEqual(roles[0], {
      roleArn: ROLE,
      sessionName: 'puller.apps.eu-west-1.fluxcd.io',
      webIdentityToken: 'identity-token',
    });
    assert.equal(roles[1]?.sessionName.length, 64);
    assert.equal(roles.length, 2);
    assert.deepEqual(
      calls.map(({ credentials }) => credentials?.sessionToken),
      ['session', 'session', undefined],
    );
  });

  test('a host that is none of ECR fails when the scan begins, without a request', async () => {
    const { ecrApi, calls, clock, settings } = countingApi();
    const { registry } = await openTest('ghcr.io/org/app', {
      spec: { provider: 'aws' },
      access: { ecrApi, settings },
      clock,
    });
    await assert.rejects(registry.listTags(soon()), {
      code: 'login',
      message: /^invalid AWS registry: 'ghcr\.io'/,
    });
    assert.equal(calls.length, 0);
  });

  test('a failed login tells why and is asked for again', async () => {
    const { ecrApi, clock, settings } = countingApi();
    let failing = true;
    const api: EcrApi = {
      ...ecrApi,
      authorizationToken: async (...args) => {
        if (!failing) return ecrApi.authorizationToken(...args);
        throw Object.assign(new Error('not authorized, token=canary'), { name: 'AccessDeniedException' });
      },
    };
    const { credentials } = await accessTo(IMAGE, { provider: 'aws' }, {}, { ecrApi: api, settings, clock });
    await assert.rejects(credentials.get(signal), {
      code: 'login',
      message: `AWS login to '${HOST}' failed: AccessDeniedException: not authorized, token=***`,
    });
    failing = false;
    assert.equal((await credentials.get(signal))?.username, 'AWS');
  });

  test('a run counts what it asked of the cache: once, however many requests it sends', async () => {
    const { ecrApi, clock, settings } = countingApi();
    let failing = true;
    const api: EcrApi = {
      ...ecrApi,
      authorizationToken: (...args) =>
        failing ? Promise.reject(new Error('throttled')) : ecrApi.authorizationToken(...args),
    };
    const start = async (image = IMAGE) => {
      const cacheUse = noCacheUse();
      const small = { ...settings, 'token-cache-max-size': 1 };
      const more = { ecrApi: api, settings: small, clock, cacheUse };
      const { credentials } = await accessTo(image, { provider: 'aws' }, {}, more);
      return { credentials, cacheUse };
    };
    const failed = await start();
    assert.deepEqual(failed.cacheUse, noCacheUse(), 'preparing asks nothing');
    await assert.rejects(failed.credentials.get(signal));
    assert.deepEqual(failed.cacheUse, { ...noCacheUse(), misses: 1, failures: 1 });
    failing = false;
    const first = await start();
    for (let page = 0; page < 3; page++) await first.credentials.get(signal);
    assert.deepEqual(first.cacheUse, { ...noCacheUse(), misses: 1, items: 1 });
    const second = await start();
    for (let page = 0; page < 3; page++) await second.credentials.get(signal);
    assert.deepEqual(second.cacheUse, { ...noCacheUse(), hits: 1, items: 1 });
    second.credentials.forget();
    await second.credentials.get(signal);
    assert.deepEqual(second.cacheUse, { ...noCacheUse(), hits: 1, misses: 1, items: 1 });
    const other = await start('public.ecr.aws/team/app');
    await other.credentials.get(signal);
    assert.deepEqual(other.cacheUse, { ...noCacheUse(), misses: 1, evictions: 1, items: 1 });
  });

  test('a cache of size 0 turns nobody out', async () => {
    const { ecrApi, clock, settings } = countingApi();
    const cacheUse = noCacheUse();
    const more = { ecrApi, settings: { ...settings, 'token-cache-max-size': 0 }, clock, cacheUse };
    await (await accessTo(IMAGE, { provider: 'aws' }, {}, more)).credentials.get(signal);
    assert.deepEqual(cacheUse, { ...noCacheUse(), misses: 1 });
  });

  test('auto-login: by host, only with its flag, without secretRef and provider (IR-ECR-2)', async () => {
    const { ecrApi, calls, clock, settings } = countingApi();
    const on = { ...settings, 'aws-autologin-for-ecr': true };
    const pull = pullSecret('*.dkr.ecr.*.amazonaws.com', { username: 'user', password: 'pass' });
    const userOf = async (image: string, spec: object, flags: typeof on) => {
      const access = await accessTo(image, spec, { pull }, { ecrApi, settings: flags, clock });
      return (await access.credentials.get(signal))?.username;
    };
    assert.equal(await userOf(IMAGE, {}, settings), undefined);
    assert.equal(await userOf(IMAGE, {}, on), 'AWS');
    assert.equal(await userOf('public.ecr.aws/team/app', {}, on), 'AWS');
    assert.equal(await userOf(IMAGE, { secretRef: { name: 'pull' } }, on), 'user');
    assert.equal(await userOf('ghcr.io/app', {}, on), undefined);
    assert.equal(calls.length, 2);
  });
});

test('a kept token that the registry refuses is replaced once (IR-AWS-4)', async () => {
  const { ecrApi, calls, clock, settings } = countingApi();
  let valid = encode('password-1');
  const proxy = await startHttpProxy();
  const server = await startServer((request, response, raw) => {
    if (request.authorization === `Basic ${valid}`) return servePages(['a'])(request, response, raw);
    sendJson(response, {}, { status: 401, headers: { 'www-authenticate': 'Basic realm="ecr"' } });
  });
  // The real host, led to our server by the address that a plain proxy is asked for.
  const options = {
    spec: { provider: 'aws', insecure: true },
    access: { ecrApi, settings, clock, proxies: () => ({ url: new URL(proxy.url), trusted: true }) },
    clock,
  };
  const { registry } = await openTest(IMAGE, options);
  proxy.leadTo(server.port);
  assert.deepEqual((await registry.listTags(soon())).tags, ['a']);
  valid = encode('password-2');
  const again = await openTest(IMAGE, options);
  assert.deepEqual((await again.registry.listTags(soon())).tags, ['a']);
  assert.equal(calls.length, 2);
  valid = 'none';
  const last = await openTest(IMAGE, options);
  await assert.rejects(last.registry.listTags(soon()), { status: 401 });
  assert.equal(calls.length, 3);
  await server.close();
  await proxy.close();
});

describe('the AWS SDK against an endpoint of ours', () => {
  const names = ['AWS_ENDPOINT_URL_ECR', 'AWS_ENDPOINT_URL_ECR_PUBLIC', 'AWS_ENDPOINT_URL_STS'];
  const own = {
    AWS_ACCESS_KEY_ID: 'role-id',
    AWS_SECRET_ACCESS_KEY: 'role-secret',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  const saved = { ...process.env };
  let aws: TestServer;

  before(async () => {
    const expiresAt = Math.round(Date.now() / 1000) + 43_200;
    aws = await startServer((request, response) => {
      const target = String(request.headers['x-amz-target'] ?? '');
      if (target.includes('PUBLIC') || target.includes('SpencerFrontend')) {
        return sendJson(response, { authorizationData: { authorizationToken: encode('public'), expiresAt } });
      }
      if (target) {
        return sendJson(response, {
          authorizationData: [{ authorizationToken: encode('private'), expiresAt }],
        });
      }
      response.writeHead(200, { 'content-type': 'text/xml' });
      response.end(
        `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
         <Credentials><AccessKeyId>assumed-id</AccessKeyId><SecretAccessKey>assumed-secret</SecretAccessKey>
         <SessionToken>assumed-session</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>
         </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
      );
    });
    for (const name of names) process.env[name] = aws.url;
    Object.assign(process.env, own);
  });
  after(async () => {
    for (const name of [...names, ...Object.keys(own)]) {
      if (saved[name] === undefined) delete process.env[name];
      else process.env[name] = saved[name];
    }
    await aws.close();
  });

  test('private registry, own role', async () => {
    const { credentials } = await accessTo(IMAGE, { provider: 'aws' }, {}, { clock: new QuickClock() });
    assert.equal((await credentials.get(soon()))?.password, 'private');
    const request = aws.requests.at(-1);
    assert.match(String(request?.headers['x-amz-target']), /GetAuthorizationToken$/);
    assert.match(String(request?.authorization), /Credential=role-id\/\d+\/eu-west-1\/ecr\//);
  });

  test('ECR Public is asked in us-east-1', async () => {
    const { credentials } = await accessTo('public.ecr.aws/a/b', { provider: 'aws' });
    assert.equal((await credentials.get(soon()))?.password, 'public');
    assert.match(String(aws.requests.at(-1)?.authorization), /us-east-1\/ecr-public\//);
  });

  test('object identity: STS in the region of the registry, then ECR with what it gave', async () => {
    const annotations = { 'eks.amazonaws.com/role-arn': ROLE };
    const { credentials } = await accessTo(
      IMAGE,
      { provider: 'aws', serviceAccountName: 'puller' },
      {},
      {
        settings: { ...SETTINGS, 'feature-gates': { ObjectLevelWorkloadIdentity: true } },
        reader: readerOf({}, { puller: { annotations } }),
        requestToken: async () => 'identity-token',
      },
    );
    assert.equal((await credentials.get(soon()))?.password, 'private');
    const [sts, ecr] = aws.requests.slice(-2);
    const form = new URLSearchParams(sts?.body);
    assert.equal(form.get('Action'), 'AssumeRoleWithWebIdentity');
    assert.equal(form.get('WebIdentityToken'), 'identity-token');
    assert.equal(form.get('RoleArn'), ROLE);
    assert.equal(sts?.authorization, undefined);
    assert.match(String(ecr?.authorization), /Credential=assumed-id\//);
    assert.equal(ecr?.headers['x-amz-security-token'], 'assumed-session');
  });

  test('the proxy of the object carries the login too', async () => {
    const proxy = await startHttpProxy();
    processCloudTokens(0, 0);
    const { credentials } = await accessTo(
      IMAGE,
      { provider: 'aws', proxySecretRef: { name: 'proxy' } },
      { proxy: { data: { address: proxy.url, username: 'u', password: 'p' } } },
    );
    assert.equal((await credentials.get(soon()))?.password, 'private');
    assert.deepEqual(proxy.seen, [`CONNECT ${aws.host}`]);
    assert.deepEqual(proxy.users, ['u:p']);
    await proxy.close();
  });
});
