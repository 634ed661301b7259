import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KubeClient } from './client.ts';
import { isAlreadyExists, isConflict, isNotFound, KubeError } from './errors.ts';
import { NAMESPACES, type Resource, SECRETS } from './resource.ts';
import { createKubeClient } from './rest-client.ts';
import type { KubeRequest, KubeTransport } from './transport.ts';

const REPOSITORIES: Resource = {
  group: 'image.toolkit.fluxcd.io',
  version: 'v1',
  plural: 'imagerepositories',
  kind: 'ImageRepository',
  namespaced: true,
};
const PODINFO = { namespace: 'apps', name: 'podinfo' };
const ROOT = '/apis/image.toolkit.fluxcd.io/v1';

interface Answer {
  status?: number;
  headers?: Record<string, string>;
  body: unknown;
}

/** A client whose server gives one answer, and the requests that it got. */
function clientWith(answer: Answer | Error): { kube: KubeClient; requests: KubeRequest[] } {
  const requests: KubeRequest[] = [];
  const transport: KubeTransport = {
    async request(request) {
      requests.push(request);
      if (answer instanceof Error) throw answer;
      const { status = 200, headers = {}, body } = answer;
      return { status, headers, body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) };
    },
    open: () => Promise.reject(new Error('not used')),
    close() {},
  };
  return { kube: createKubeClient(transport, { clock: { now: () => 0, after: () => () => {} } }), requests };
}

const refusal = (code: number, reason: string, message: string, details = {}): Answer => ({
  status: code,
  body: { kind: 'Status', status: 'Failure', code, reason, message, details },
});

const requests: [string, (kube: KubeClient) => Promise<unknown>, KubeRequest][] = [
  [
    'get',
    (kube) => kube.get(REPOSITORIES, PODINFO),
    { method: 'GET', path: `${ROOT}/namespaces/apps/imagerepositories/podinfo` },
  ],
  [
    'list of all namespaces',
    (kube) => kube.list(REPOSITORIES, { limit: 500, continue: 'abc', labelSelector: 'a=b' }),
    {
      method: 'GET',
      path: `${ROOT}/imagerepositories`,
      query: { limit: 500, continue: 'abc', labelSelector: 'a=b' },
    },
  ],
  [
    'list of one namespace',
    (kube) => kube.list(SECRETS, { namespace: 'apps' }),
    { method: 'GET', path: '/api/v1/namespaces/apps/secrets', query: {} },
  ],
  [
    'create',
    (kube) => kube.create(NAMESPACES, {}, { metadata: { name: 'a' } }),
    {
      method: 'POST',
      path: '/api/v1/namespaces',
      query: { fieldManager: 'longshore' },
      body: '{"metadata":{"name":"a"}}',
    },
  ],
  [
    'patch of the status',
    (kube) => kube.patch(REPOSITORIES, { ...PODINFO, subresource: 'status' }, { status: { a: 1 } }),
    {
      method: 'PATCH',
      path: `${ROOT}/namespaces/apps/imagerepositories/podinfo/status`,
      query: { fieldManager: 'longshore' },
      body: '{"status":{"a":1}}',
      contentType: 'application/merge-patch+json',
    },
  ],
  [
    'delete of one uid',
    (kube) => kube.delete(REPOSITORIES, PODINFO, { uid: 'u1', propagationPolicy: 'Foreground' }),
    {
      method: 'DELETE',
      path: `${ROOT}/namespaces/apps/imagerepositories/podinfo`,
      body: '{"preconditions":{"uid":"u1"},"propagationPolicy":"Foreground"}',
    },
  ],
  ['path', (kube) => kube.getPath('/version'), { method: 'GET', path: '/version' }],
];
for (const [name, call, expected] of requests) {
  test(`request: ${name}`, async () => {
    const { kube, requests } = clientWith({ body: { metadata: {}, items: [] } });
    await call(kube);
    assert.deepEqual(requests, [expected]);
  });
}

describe('answers', () => {
  test('a list without items, and the token of the next page', async () => {
    const { kube } = clientWith({ body: { metadata: { resourceVersion: '7', continue: 'x' }, items: null } });
    assert.deepEqual(await kube.list(REPOSITORIES), { items: [], resourceVersion: '7', continue: 'x' });
  });

  test('the last page has no token', async () => {
    const { kube } = clientWith({ body: { metadata: { resourceVersion: '7', continue: '' }, items: [1] } });
    assert.deepEqual(await kube.list(REPOSITORIES), { items: [1], resourceVersion: '7' });
  });

  test('get: an object that is missing is undefined', async () => {
    const { kube } = clientWith(refusal(404, 'NotFound', 'podinfo not found', { name: 'podinfo' }));
    assert.equal(await kube.get(REPOSITORIES, PODINFO), undefined);
  });

  for (const ref of [
    { namespace: 'apps', name: '' },
    { namespace: 'apps', name: '..' },
    { namespace: 'apps', name: 'podinfo/status' },
    { namespace: 'apps', name: '../../other/imagerepositories/podinfo' },
    { namespace: '..', name: 'podinfo' },
    { namespace: '', name: 'podinfo' },
  ]) {
    test(`get: nothing can be called ${JSON.stringify(ref)}: no path is asked that leads elsewhere`, async () => {
      const { kube, requests } = clientWith({ body: { kind: 'List', items: [] } });
      assert.equal(await kube.get(REPOSITORIES, ref), undefined);
      assert.deepEqual(requests, []);
    });
  }

  test('get: a version that is not served is an error, not a missing object (IR-API-2)', async () => {
    const { kube } = clientWith({ status: 404, body: '404 page not found\n' });
    await assert.rejects(kube.get(REPOSITORIES, PODINFO), (error) => {
      assert.ok(isNotFound(error));
      assert.equal((error as Error).message, 'get imagerepositories apps/podinfo: 404 page not found');
      return true;
    });
  });

  test('a path or an object to delete that is missing is no error', async () => {
    const { kube } = clientWith({ status: 404, body: '404 page not found' });
    assert.equal(await kube.getPath('/apis/x'), undefined);
    await kube.delete(REPOSITORIES, PODINFO);
  });
});

const failures: [
  string,
  Answer | Error,
  { status: number; reason: string; message: string; retryAfterMs?: number },
][] = [
  [
    'a conflict',
    refusal(409, 'Conflict', 'the object has been modified'),
    { status: 409, reason: 'Conflict', message: 'the object has been modified' },
  ],
  [
    'a caller that is not known',
    refusal(401, 'Unauthorized', 'Unauthorized'),
    {
      status: 401,
      reason: 'Unauthorized',
      message:
        'Unauthorized (it does not know who asks: the token is of another cluster, has run out or was withdrawn, or a clock is wrong)',
    },
  ],
  [
    'a refusal over several lines',
    refusal(422, 'Invalid', 'is invalid:\n  * spec.image: Required'),
    { status: 422, reason: 'Invalid', message: 'is invalid: * spec.image: Required' },
  ],
  [
    'a text with a credential',
    refusal(403, 'Forbidden', 'refused https://jane:canary@host and Bearer canary42canary'),
    { status: 403, reason: 'Forbidden', message: 'refused https://***@host and Bearer ***' },
  ],
  [
    'a text that never ends',
    refusal(500, 'InternalError', 'x'.repeat(5000)),
    { status: 500, reason: 'InternalError', message: `${'x'.repeat(2000)}…` },
  ],
  [
    'a page of a proxy',
    { status: 502, body: '<html>\nBad gateway' },
    { status: 502, reason: '', message: '<html> Bad gateway' },
  ],
  ['nothing', { status: 503, body: '' }, { status: 503, reason: '', message: 'status 503' }],
  ['no JSON', { body: '<html>' }, { status: 200, reason: '', message: "the server's answer is no JSON" }],
  [
    'a wait in a header',
    { status: 429, headers: { 'retry-after': '30' }, body: 'too many' },
    { status: 429, reason: '', message: 'too many', retryAfterMs: 30_000 },
  ],
  [
    'a wait in the body',
    refusal(503, 'ServiceUnavailable', 'later', { retryAfterSeconds: 2 }),
    { status: 503, reason: 'ServiceUnavailable', message: 'later', retryAfterMs: 2000 },
  ],
  [
    'a server that is not there',
    new KubeError('https://h: connect ECONNREFUSED', { status: 0 }),
    { status: 0, reason: '', message: 'https://h: connect ECONNREFUSED' },
  ],
];
for (const [name, answer, expected] of failures) {
  test(`failure: ${name}`, async () => {
    const { kube } = clientWith(answer);
    const ref = { ...PODINFO, subresource: 'status' };
    await assert.rejects(kube.patch(REPOSITORIES, ref, {}), (error) => {
      assert.ok(error instanceof KubeError);
      const { status, reason, message, retryAfterMs } = error;
      assert.deepEqual(
        { status, reason, message, retryAfterMs },
        {
          retryAfterMs: undefined,
          ...expected,
          message: `patch imagerepositories/status apps/podinfo: ${expected.message}`,
        },
      );
      return true;
    });
  });
}

test('the reason of an abort passes as it is', async () => {
  const reason = new Error('deadline');
  const { kube } = clientWith(reason);
  await assert.rejects(kube.get(REPOSITORIES, PODINFO), (error) => error === reason);
});

test('a conflict is told from an object that exists already', async () => {
  const failureOf = (answer: Answer) =>
    clientWith(answer)
      .kube.create(NAMESPACES, {}, {})
      .catch((error) => error);
  const conflict = await failureOf(refusal(409, 'Conflict', 'x'));
  const exists = await failureOf(refusal(409, 'AlreadyExists', 'x'));
  assert.deepEqual([isConflict(conflict), isAlreadyExists(conflict)], [true, false]);
  assert.deepEqual([isConflict(exists), isAlreadyExists(exists)], [false, true]);
});
