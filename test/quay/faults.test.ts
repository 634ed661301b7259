/**
 * Whatever Quay or the API server answers, at whichever request: no object fails for what passes, nothing is left behind,
 * the next run makes good, and no credential is anywhere but in its Secret (issue 8, points 7 and 9).
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LOCAL_TOKEN } from '../../infra/local/quay/quay.ts';
import type { FaultRule } from '../../infra/local/registry/faults.ts';
import { KubeError } from '../../shared/kube/errors.ts';
import { type KubeObject, SECRETS } from '../../shared/kube/resource.ts';
import type { Outcome } from '../../shared/runtime/contract.ts';
import { useApiServer } from '../parts/api-server.ts';
import { startEmbedded } from '../parts/api-servers.ts';
import { conditionsOf, onBothServers, type QuaySuite, useQuaySuite } from './suite.ts';

/** In answers that were cut: the token of a robot, which nobody has asked for in this form. */
const ROBOT_CANARY = 'CANARY7C1E9BCANARY7C1E9BCANARY7C1E9BCANARY7C1E9BCANARY7C1E9BCANARY';
const QUOTED = `you sent Authorization: Bearer ${LOCAL_TOKEN} (${LOCAL_TOKEN})`;
const HTML = { body: `<html><p>${QUOTED}</p></html>`, headers: { 'content-type': 'text/html' } };

/** What may come instead of an answer, and the reason that the object then shows. */
const FAULTS: Record<string, { rule: FaultRule; reason: string }> = {
  '401': {
    rule: { status: 401, body: { error_message: QUOTED, error_type: 'invalid_token', status: 401 } },
    reason: 'RegistryConfiguration',
  },
  '403 of the CSRF guard': {
    rule: { status: 403, body: { error: `CSRF token was invalid or missing. ${QUOTED}` } },
    reason: 'RegistryConfiguration',
  },
  '403': {
    rule: { status: 403, body: { detail: QUOTED, error_type: 'insufficient_scope' } },
    reason: 'RegistryConfiguration',
  },
  '429 with HTML': { rule: { status: 429, ...HTML }, reason: 'RegistryUnavailable' },
  '429 with a long Retry-After': {
    rule: { status: 429, ...HTML, headers: { ...HTML.headers, 'retry-after': '30' } },
    reason: 'RegistryUnavailable',
  },
  '500': { rule: { status: 500, body: { message: QUOTED } }, reason: 'RegistryUnavailable' },
  '502 with HTML': { rule: { status: 502, ...HTML }, reason: 'RegistryUnavailable' },
  'read-only': {
    rule: { status: 503, body: { message: QUOTED, is_readonly: true } },
    reason: 'RegistryUnavailable',
  },
  garbage: {
    rule: { status: 200, body: `{"name":"my-org+robot","token":"${ROBOT_CANARY}` },
    reason: 'RegistryUnavailable',
  },
  'a page of somebody else': { rule: { status: 200, ...HTML }, reason: 'RegistryUnavailable' },
  'a cut connection': { rule: { reset: true }, reason: 'RegistryUnavailable' },
};

const COMPONENT = 'my-component';
const NAME = 'sample';
const HOOK = {
  title: 'hook',
  event: 'repo_push',
  method: 'webhook',
  config: { url: 'https://example.com/hook' },
} as const;

/** What is asked of Quay: how it comes to it, and what there must be in the end. */
interface Operation {
  prepare(suite: QuaySuite): Promise<unknown>;
  check(suite: QuaySuite): Promise<void>;
}

async function provisioned(suite: QuaySuite): Promise<void> {
  await suite.component(COMPONENT);
  await suite.create(NAME, {}, suite.linked(COMPONENT));
  await suite.settled(NAME);
}

/** One repository, its two robots with their roles, and Secrets whose tokens are those of the robots. */
async function assertWhole(suite: QuaySuite, visibility = 'public'): Promise<void> {
  const { status } = await suite.read(NAME);
  const { repositories, robots } = suite.org();
  const name = `${suite.namespace}/my-app/${COMPONENT}`;
  assert.deepEqual(Object.keys(repositories), [name]);
  const { 'push-robot-account': push = '', 'pull-robot-account': pull = '' } = status.credentials;
  assert.deepEqual(Object.keys(robots).sort(), [push, pull].sort());
  assert.deepEqual([status.state, status.message ?? ''], ['ready', '']);
  assert.deepEqual(
    [status.image?.visibility, repositories[name]?.isPublic],
    [visibility, visibility === 'public'],
  );
  assert.deepEqual(conditionsOf(await suite.read(NAME)), ['Ready=True Provisioned']);
  for (const [role, robot, right] of [
    ['push', push, 'write'],
    ['pull', pull, 'read'],
  ] as const) {
    const { username, token } = await suite.login(`${NAME}-image-${role}`, suite.url(`my-app/${COMPONENT}`));
    assert.deepEqual([repositories[name]?.roles[username], token], [right, robots[robot]?.token]);
  }
}

const OPERATIONS: Record<string, Operation> = {
  provisioning: {
    async prepare(suite) {
      await suite.component(COMPONENT);
      await suite.create(NAME, { notifications: [HOOK] }, suite.linked(COMPONENT));
    },
    async check(suite) {
      await assertWhole(suite);
      assert.equal(
        suite.org().repositories[`${suite.namespace}/my-app/${COMPONENT}`]?.notifications.length,
        1,
      );
    },
  },
  'another visibility': {
    async prepare(suite) {
      await provisioned(suite);
      await suite.bench.edit(NAME, { spec: { image: { visibility: 'private' } } });
    },
    check: (suite) => assertWhole(suite, 'private'),
  },
  rotation: {
    async prepare(suite) {
      await provisioned(suite);
      await suite.bench.edit(NAME, { spec: { credentials: { 'regenerate-token': true } } });
    },
    async check(suite) {
      await assertWhole(suite);
      assert.deepEqual((await suite.read(NAME)).spec?.credentials, {});
    },
  },
  notifications: {
    async prepare(suite) {
      await provisioned(suite);
      await suite.bench.edit(NAME, { spec: { notifications: [HOOK, { ...HOOK, title: 'other' }] } });
    },
    async check(suite) {
      await assertWhole(suite);
      const { notifications = [] } = suite.org().repositories[`${suite.namespace}/my-app/${COMPONENT}`] ?? {};
      const { status } = await suite.read(NAME);
      assert.deepEqual(
        notifications.map(({ title, uuid }) => ({ title, uuid })),
        status.notifications,
      );
      assert.equal(notifications.length, 2);
    },
  },
  deletion: {
    async prepare(suite) {
      await provisioned(suite);
      await suite.bench.remove(NAME);
    },
    async check(suite) {
      assert.equal(await suite.bench.read(NAME), undefined);
      assert.deepEqual([suite.org().repositories, suite.org().robots], [{}, {}]);
    },
  },
};

/** Back to an empty table, for the next row of one test. */
async function clear(suite: QuaySuite): Promise<void> {
  suite.quay.reset();
  if (await suite.bench.read(NAME)) {
    await suite.bench.edit(NAME, { metadata: { finalizers: null } });
    await suite.bench.remove(NAME);
  }
  await suite.bench.kube.delete(
    {
      group: 'appstudio.redhat.com',
      version: 'v1alpha1',
      plural: 'components',
      kind: 'Component',
      namespaced: true,
    },
    { namespace: suite.namespace, name: COMPONENT },
  );
  for (const role of ['push', 'pull']) {
    await suite.bench.kube.delete(SECRETS, { namespace: suite.namespace, name: `${NAME}-image-${role}` });
  }
}

/** Everything that people see of a run. */
async function shown(suite: QuaySuite, outcome: Outcome): Promise<string> {
  const object = await suite.bench.read(NAME);
  const events = await suite.bench.events(NAME);
  return JSON.stringify([outcome, object, events, suite.bench.log]);
}

function assertHidden(text: string, robots: string[]): void {
  const plain = [LOCAL_TOKEN, ROBOT_CANARY, ...robots];
  const encoded = plain.map((secret) => Buffer.from(secret).toString('base64').replace(/=+$/, ''));
  for (const secret of [...plain, ...encoded]) {
    const at = text.indexOf(secret);
    assert.equal(at, -1, `shown: …${text.slice(Math.max(0, at - 200), at + 20)}`);
  }
}

/** The gauge of Quay's availability after a run (spec 15). */
function availableIn({ measures = [] }: Outcome): number | undefined {
  return measures.find(({ name }) => name.endsWith('_global_quay_app_available'))?.value;
}

const tokensOf = (suite: QuaySuite) => Object.values(suite.org().robots).map(({ token }) => token);

describe('faults', () => {
  const suite = useQuaySuite(useApiServer(startEmbedded));

  /** Requests to Quay that an operation makes when nothing goes wrong. */
  async function countRequests({ prepare }: Operation): Promise<number> {
    await prepare(suite);
    suite.forget();
    assert.notEqual((await suite.run(NAME)).result, 'retry');
    const count = suite.quay.requests.count();
    await clear(suite);
    return count;
  }

  for (const [operationName, operation] of Object.entries(OPERATIONS)) {
    test(`${operationName}: each request to Quay answered by each fault`, async () => {
      const count = await countRequests(operation);
      assert.ok(count >= 1);
      for (let skip = 0; skip < count; skip++) {
        for (const [faultName, { rule, reason }] of Object.entries(FAULTS)) {
          const row = `${faultName} at request ${skip + 1} of ${count}`;
          await operation.prepare(suite);
          const robots = tokensOf(suite);
          suite.forget();
          suite.quay.faults.add({ ...rule, skip });
          const outcome = await suite.run(NAME, { attempt: 3 });
          const object = (await suite.bench.read(NAME)) as
            | KubeObject<unknown, { state?: string }>
            | undefined;
          assert.ok(object, row);
          assert.notEqual(object.status?.state, 'failed', row);
          assert.equal(outcome.result, 'retry', `${row}: ${JSON.stringify(outcome)}`);
          assert.equal(availableIn(outcome), 0, row);
          if (operationName !== 'deletion') {
            assert.ok(
              conditionsOf(object).includes(`Ready=False ${reason}`),
              `${row}: ${conditionsOf(object)}`,
            );
          }
          assertHidden(await shown(suite, outcome), [...robots, ...tokensOf(suite)]);
          suite.quay.faults.clear();
          const after = await suite.run(NAME, { attempt: 4 });
          assert.match(after.result, /^(ok|gone)$/, `${row}: ${JSON.stringify(after)}`);
          assert.equal(availableIn(after), 1, row);
          await operation.check(suite);
          assertHidden(await shown(suite, after), tokensOf(suite));
          await clear(suite);
        }
      }
    });

    test(`${operationName}: each write refused by the API server`, async () => {
      for (const error of [
        new KubeError('etcdserver: request timed out', { status: 500, reason: 'InternalError' }),
        new KubeError('somebody wrote meanwhile', { status: 409, reason: 'Conflict' }),
        new KubeError('forbidden: not yet', { status: 403, reason: 'Forbidden' }),
      ]) {
        for (let skip = 0, refused = true; refused; skip++) {
          await operation.prepare(suite);
          suite.forget();
          let writes = 0;
          suite.bench.hooks.api = ({ verb, on }) => {
            const counts = ['create', 'patch', 'delete'].includes(verb) && on !== 'events';
            if (counts && writes++ === skip) throw error;
          };
          const outcome = await suite.run(NAME, { attempt: 1 });
          suite.bench.hooks.api = undefined;
          refused = writes > skip;
          const row = `${error.reason} at write ${skip + 1}: ${JSON.stringify(outcome)}`;
          const object = (await suite.bench.read(NAME)) as
            | KubeObject<unknown, { state?: string }>
            | undefined;
          assert.notEqual(object?.status?.state, 'failed', row);
          assertHidden(await shown(suite, outcome), tokensOf(suite));
          const after = object && (await suite.run(NAME));
          assert.match(after?.result ?? 'gone', /^(ok|gone)$/, `${row}, then ${JSON.stringify(after)}`);
          await operation.check(suite);
          await clear(suite);
          assert.ok(skip < 30, 'it comes to an end');
        }
      }
    });
  }

  test('no answer at all: the run ends, the next one makes good', async () => {
    await provisioned(suite);
    await suite.bench.edit(NAME, { spec: { image: { visibility: 'private' } } });
    suite.quay.faults.add({ delayMs: Number.POSITIVE_INFINITY });
    const outcome = await suite.run(NAME, { attempt: 3 });
    assert.equal(outcome.result, 'retry');
    assert.match((outcome as { message: string }).message, /timeout: no answer for 20s/);
    suite.quay.faults.clear();
    assert.equal((await suite.run(NAME)).result, 'ok');
    await assertWhole(suite, 'private');
  });
});

onBothServers('canary', (suite) => {
  test('C82 no credential in log, event, status, outcome or object, through a whole life', async () => {
    const robots = new Set<string>();
    const texts: string[] = [];
    const look = async (work: Promise<Outcome>) => {
      texts.push(await shown(suite, await work));
      for (const token of tokensOf(suite)) robots.add(token);
    };
    await suite.component(COMPONENT);
    await suite.account('appstudio-pipeline');
    await suite.create(NAME, { notifications: [HOOK] }, suite.linked(COMPONENT));
    suite.quay.faults.add({ times: 1, ...FAULTS['500']!.rule });
    await look(suite.run(NAME, { attempt: 5 }));
    await look(suite.run(NAME));
    const requests = { 'regenerate-token': true, 'verify-linking': true };
    await suite.bench.edit(NAME, { spec: { credentials: requests, image: { visibility: 'private' } } });
    suite.quay.faults.add({ method: 'PUT', times: 1, ...FAULTS['403']!.rule });
    await look(suite.run(NAME, { attempt: 5 }));
    const { username } = await suite.login(`${NAME}-image-push`, suite.url(`my-app/${COMPONENT}`));
    delete suite.org().robots[username.split('+')[1]!];
    await suite.bench.edit(NAME, { spec: { credentials: { 'regenerate-token': true } } });
    await look(suite.run(NAME));
    await suite.token({ organization: 'no-such-org', quaytoken: LOCAL_TOKEN, quayapiurl: suite.quay.apiUrl });
    await suite.bench.edit(NAME, { spec: { image: { visibility: 'public' } } });
    await look(suite.run(NAME));
    await suite.token({ organization: 'my-org', quaytoken: LOCAL_TOKEN, quayapiurl: suite.quay.apiUrl });
    await suite.bench.remove(NAME);
    suite.quay.faults.add({ times: 1, ...FAULTS['429 with a long Retry-After']!.rule });
    await look(suite.run(NAME));
    suite.bench.clock.move(11 * 60_000);
    suite.quay.faults.add(FAULTS['401']!.rule);
    await look(suite.run(NAME));
    assert.equal(await suite.bench.read(NAME), undefined);
    assert.ok(robots.size >= 4, 'tokens were made and rotated');
    for (const text of texts) assert.ok(text.length > 500);
    assertHidden(texts.join('\n'), [...robots]);
    assert.match(texts.join('\n'), /you sent Authorization: \*\*\*/, 'what Quay quoted is shown without it');
  });
});
