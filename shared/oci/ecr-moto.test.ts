/** Logins to ECR with the real SDK against moto, which stands for AWS: roles, accounts, refusals. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type MotoAccount, startMoto } from '../../test/parts/moto.ts';
import { needs } from '../../test/parts/parts.ts';
import { closeConnections } from './connections.ts';
import { awsEcrApi, type EcrApi } from './ecr-api.ts';
import { startHttpProxy, type TestProxy } from './test-proxy.ts';
import {
  accessTo,
  openTest,
  QuickClock,
  readerOf,
  SETTINGS,
  sendJson,
  servePages,
  soon,
  startServer,
} from './test-registry.ts';

/** Whose credentials moto sees when it does not know them better. */
const OWN = '123456789012';
const OTHER = '210987654321';
const imageOf = (account: string) => `${account}.dkr.ecr.eu-west-1.amazonaws.com/team/app`;
const passwordOf = (account: string) => `${account}-auth-token`;

/** Its tokens expire in 2015. */
const BEFORE_THEIR_END = Date.parse('2014-12-31T12:00:00Z');

class OldClock extends QuickClock {
  override now(): number {
    return super.now() - START + BEFORE_THEIR_END;
  }
}
const START = Date.now();

after(closeConnections);

describe('ECR and STS of moto', needs('moto_server'), () => {
  const saved = { ...process.env };
  let aws: MotoAccount;
  let caches = 0;
  /** Settings that no other test has: a cache of its own. */
  let settings = SETTINGS;

  before(async () => {
    aws = await startMoto();
    Object.assign(process.env, aws.environment, { AWS_EC2_METADATA_DISABLED: 'true' });
  });
  beforeEach(() => {
    settings = { ...SETTINGS, 'token-cache-max-duration': 3_500_000 - caches++ };
  });
  after(async () => {
    for (const name of [...Object.keys(aws.environment), 'AWS_EC2_METADATA_DISABLED']) {
      if (saved[name] === undefined) delete process.env[name];
      else process.env[name] = saved[name];
    }
    await aws.stop();
  });

  /** From here on it looks at signatures and rights, as AWS does. */
  const refuseStrangers = (strict: boolean) =>
    fetch(`${aws.url}/moto-api/reset-auth`, { method: 'POST', body: strict ? '0' : 'inf' });

  test('the role of the function logs in to the registry of its own account', async () => {
    const { credentials } = await accessTo(imageOf(OWN), { provider: 'aws' }, {}, { settings });
    assert.deepEqual(await credentials.get(soon()), { username: 'AWS', password: passwordOf(OWN) });
  });

  test('the role of a service account is of another account: STS makes us its member, ECR sees that account', async () => {
    const annotations = { 'eks.amazonaws.com/role-arn': `arn:aws:iam::${OTHER}:role/puller` };
    const { credentials } = await accessTo(
      imageOf(OTHER),
      { provider: 'aws', serviceAccountName: 'puller' },
      {},
      {
        settings: { ...settings, 'feature-gates': { ObjectLevelWorkloadIdentity: true } },
        reader: readerOf({}, { puller: { annotations } }),
        requestToken: async () => 'identity-token',
      },
    );
    assert.deepEqual(await credentials.get(soon()), { username: 'AWS', password: passwordOf(OTHER) });
  });

  // moto words this refusal in XML where AWS speaks JSON: the words of AWS are in ecr-login.test.ts.
  test('credentials that AWS refuses: a failed login of one line, without what was signed; then it is asked again', async () => {
    const { credentials } = await accessTo(imageOf(OWN), { provider: 'aws' }, {}, { settings });
    await refuseStrangers(true);
    try {
      await assert.rejects(credentials.get(soon()), (error: { code?: string; message: string }) => {
        assert.equal(error.code, 'login');
        assert.match(
          error.message,
          /^AWS login to '123456789012\.dkr\.ecr\.eu-west-1\.amazonaws\.com' failed: .+$/,
        );
        assert.doesNotMatch(error.message, /AWS4-HMAC|Signature=/);
        return true;
      });
    } finally {
      await refuseStrangers(false);
    }
    assert.equal((await credentials.get(soon()))?.password, passwordOf(OWN));
  });

  describe('and a registry', () => {
    let proxy: TestProxy;
    before(async () => {
      proxy = await startHttpProxy();
    });
    after(() => proxy.close());

    /** A registry that takes what `accepts` says; `logins` counts how often ECR was asked. */
    async function scan(image: string, accepts: (password: string) => boolean, runs: number) {
      let logins = 0;
      const ecrApi: EcrApi = {
        ...awsEcrApi,
        // The proxy stands for the registry alone: the login goes past it.
        authorizationToken(call, ...rest) {
          logins += 1;
          return awsEcrApi.authorizationToken({ ...call, agent: undefined }, ...rest);
        },
      };
      const server = await startServer((request, response, raw) => {
        const basic = String(request.authorization ?? '').replace(/^Basic /, '');
        const [user, password = ''] = Buffer.from(basic, 'base64').toString().split(':');
        if (user === 'AWS' && accepts(password)) return servePages(['1.0.0'])(request, response, raw);
        sendJson(response, {}, { status: 401, headers: { 'www-authenticate': 'Basic realm="ecr"' } });
      });
      proxy.leadTo(server.port);
      const clock = new OldClock();
      const proxies = () => ({ url: new URL(proxy.url), trusted: true });
      try {
        for (let run = 0; run < runs; run++) {
          const spec = { provider: 'aws', insecure: true };
          const { registry } = await openTest(image, {
            spec,
            access: { ecrApi, settings, clock, proxies },
            clock,
          });
          assert.deepEqual((await registry.listTags(soon())).tags, ['1.0.0']);
        }
      } finally {
        await server.close();
      }
      return logins;
    }

    test('of another account takes the token of ours: one login for all its scans', async () => {
      assert.equal(await scan(imageOf(OTHER), (password) => password === passwordOf(OWN), 3), 1);
    });

    test('refuses a kept token: it is replaced once, and the scan goes on', async () => {
      let refusals = 0;
      let seen = 0;
      const accepts = () => {
        seen += 1;
        // The first run is served; at the second the token has been withdrawn.
        if (seen === 2) {
          refusals += 1;
          return false;
        }
        return true;
      };
      assert.equal(await scan(imageOf(OWN), accepts, 2), 2);
      assert.equal(refusals, 1);
    });

    test('refuses every token from then on: the scan fails with what the registry says', async () => {
      let seen = 0;
      await assert.rejects(
        scan(imageOf(OWN), () => ++seen === 1, 2),
        { status: 401 },
      );
      assert.equal(seen, 3, 'the kept token, and one new one');
    });
  });
});
