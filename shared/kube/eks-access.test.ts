import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createManualClock } from '../runtime/manual-clock.ts';
import { eksTokenSource, endpointFromEks, signEksToken } from './eks-access.ts';

const KEYS = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
};
const AT = new Date('2026-01-05T10:00:00Z');
const ENVIRONMENT = {
  AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
  AWS_REGION: 'eu-central-1',
};

function addressIn(token: string): URL {
  assert.ok(token.startsWith('k8s-aws-v1.'));
  assert.doesNotMatch(token, /[+/=]/, 'base64url without padding');
  return new URL(Buffer.from(token.slice('k8s-aws-v1.'.length), 'base64url').toString());
}

/** What botocore 1.4x signs for the same request (`aws eks get-token` is made of it), with the clock at `AT`. */
const VECTORS = [
  {
    what: 'keys of a user',
    region: 'eu-central-1',
    host: 'sts.eu-central-1.amazonaws.com',
    signature: 'e9e45104b354e40488bcc5cc437383d568d64ad7df523b39813d72b76ec523ce',
  },
  {
    what: 'a session of a role, in China',
    region: 'cn-north-1',
    sessionToken: 'session/token+with=signs',
    host: 'sts.cn-north-1.amazonaws.com.cn',
    signature: '33630aeac0b87423cd864da50e1b2c1fc0e2ff878a11be113cb782b3d41dbb80',
  },
];

for (const { what, host, signature, ...identity } of VECTORS) {
  test(`a token is the call that botocore signs: ${what}`, async () => {
    const address = addressIn(await signEksToken('my-cluster', { ...KEYS, ...identity }, AT));
    assert.equal(address.host, host);
    const query = Object.fromEntries(address.searchParams);
    assert.deepEqual(query, {
      Action: 'GetCallerIdentity',
      Version: '2011-06-15',
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': `AKIDEXAMPLE/20260105/${identity.region}/sts/aws4_request`,
      'X-Amz-Date': '20260105T100000Z',
      'X-Amz-Expires': '60',
      'X-Amz-SignedHeaders': 'host;x-k8s-aws-id',
      ...(identity.sessionToken && { 'X-Amz-Security-Token': identity.sessionToken }),
      'X-Amz-Signature': signature,
    });
  });
}

test('a token is bound to its cluster', async () => {
  const identity = { ...KEYS, region: 'eu-central-1' };
  const signatures = await Promise.all(
    ['one', 'two'].map(async (cluster) =>
      addressIn(await signEksToken(cluster, identity, AT)).searchParams.get('X-Amz-Signature'),
    ),
  );
  assert.notEqual(signatures[0], signatures[1]);
});

test('a token serves for ten minutes, and no longer when the API server refuses it', async () => {
  const clock = createManualClock(AT.getTime());
  const source = eksTokenSource('my-cluster', ENVIRONMENT, clock);
  const first = await source();
  clock.advance(599_999);
  assert.equal(await source(), first);
  clock.advance(1);
  const second = await source();
  assert.notEqual(second, first);
  clock.advance(1000);
  assert.equal(await source(first), second, 'another one has been signed since');
  assert.notEqual(await source(second), second);
});

test('without a role of its own a function says so', async () => {
  const { AWS_SECRET_ACCESS_KEY: _missing, ...environment } = ENVIRONMENT;
  const clock = createManualClock();
  await assert.rejects(eksTokenSource('my-cluster', environment, clock)(), /AWS_SECRET_ACCESS_KEY/);
});

test('the endpoint of a batch holds address and CA, and no secret', () => {
  const access = { provider: 'eks', server: 'https://api.example', caData: 'PEM', cluster: 'c' } as const;
  const { token, ...endpoint } = endpointFromEks(access, ENVIRONMENT, createManualClock());
  assert.deepEqual(endpoint, { server: 'https://api.example', ca: 'PEM' });
  assert.equal(typeof token, 'function');
});
