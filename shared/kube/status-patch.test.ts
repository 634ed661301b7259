import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, scriptedClient } from '../../test/parts/scripted-client.ts';
import { RetryError } from '../runtime/errors.ts';
import { KubeError } from './errors.ts';
import type { Condition, KubeObject, Resource } from './resource.ts';
import { patchStatus } from './status-patch.ts';

interface Status {
  conditions?: Condition[];
  observedGeneration?: number;
  url?: string;
  checksum?: string;
  other?: string;
}
type Thing = KubeObject<unknown, Status>;

const RESOURCE: Resource = { group: 'g', version: 'v1', plural: 'things', kind: 'Thing', namespaced: true };
const NEVER = new AbortController().signal;

const condition = (type: string, message: string): Condition => ({
  type,
  status: 'True',
  reason: 'R',
  message,
  lastTransitionTime: '2026-01-05T10:00:00Z',
});

const thing = (status: Status | undefined, resourceVersion = '1', uid = 'u1'): Thing => ({
  apiVersion: 'g/v1',
  kind: 'Thing',
  metadata: { namespace: 'ns', name: 'a', uid, resourceVersion },
  spec: {},
  ...(status && { status }),
});

const conflict: Answer = () => {
  throw new KubeError('the object has been modified', { status: 409, reason: 'Conflict' });
};
const notFound: Answer = () => {
  throw new KubeError('not found', { status: 404, reason: 'NotFound' });
};

test('only what differs is written, over the version that was read', async () => {
  const object = thing({ url: 'old', observedGeneration: 1, other: 'gone' });
  const after = thing({ url: 'new', observedGeneration: 1 }, '2');
  const { kube, calls } = scriptedClient(() => after);
  const status = { url: 'new', observedGeneration: 1 };
  assert.equal(await patchStatus({ kube, resource: RESOURCE, object, status }, NEVER), after);
  assert.deepEqual(calls, [
    {
      verb: 'patch',
      what: 'things/status',
      name: 'a',
      body: { metadata: { resourceVersion: '1' }, status: { url: 'new', other: null } },
    },
  ]);
});

test('no difference: no request', async () => {
  const object = thing({ conditions: [condition('Ready', 'a')], url: 'x' });
  const { kube } = scriptedClient();
  const status = structuredClone(object.status!);
  assert.equal(await patchStatus({ kube, resource: RESOURCE, object, status }, NEVER), object);
});

test('a first status', async () => {
  const { kube, calls } = scriptedClient(() => thing({ url: 'x' }));
  await patchStatus({ kube, resource: RESOURCE, object: thing(undefined), status: { url: 'x' } }, NEVER);
  assert.deepEqual(calls[0]!.body, { metadata: { resourceVersion: '1' }, status: { url: 'x' } });
});

test('what an older schema prunes is no reason to write, but goes along with one (decisions 3)', async () => {
  const object = thing({ url: 'x' });
  const additive = ['checksum'];
  const { kube, calls } = scriptedClient(() => thing({ url: 'y' }));
  const pruned = { url: 'x', checksum: 'c' };
  assert.equal(
    await patchStatus({ kube, resource: RESOURCE, object, status: pruned, additive }, NEVER),
    object,
  );
  await patchStatus(
    { kube, resource: RESOURCE, object, status: { url: 'y', checksum: 'c' }, additive },
    NEVER,
  );
  assert.deepEqual((calls[0]!.body as { status: Status }).status, { url: 'y', checksum: 'c' });
});

test('after a conflict: ours on top of what others wrote (IR-REC-17)', async () => {
  const object = thing({ conditions: [condition('Ready', 'old')], url: 'old' });
  const theirs = thing(
    { conditions: [condition('Ready', 'old'), condition('Paused', 'theirs')], url: 'old', other: 'theirs' },
    '5',
  );
  const { kube, calls } = scriptedClient(
    conflict,
    () => theirs,
    () => thing({}, '6'),
  );
  const status = { conditions: [condition('Ready', 'new')], url: 'new' };
  await patchStatus({ kube, resource: RESOURCE, object, status }, NEVER);
  assert.deepEqual(calls[2]!.body, {
    metadata: { resourceVersion: '5' },
    status: { conditions: [condition('Ready', 'new'), condition('Paused', 'theirs')], url: 'new' },
  });
});

test('after a conflict with somebody who wrote the same: nothing is left to write', async () => {
  const theirs = thing({ url: 'new' }, '5');
  const { kube, calls } = scriptedClient(conflict, () => theirs);
  const request = { kube, resource: RESOURCE, object: thing({ url: 'old' }), status: { url: 'new' } };
  assert.equal(await patchStatus(request, NEVER), theirs);
  assert.equal(calls.length, 2);
});

test('after a conflict with another run of ours: its newer state stands', async () => {
  const overtakers: Status[] = [
    { url: 'newer' },
    { url: 'old', conditions: [condition('Ready', 'newer')] },
    { conditions: [condition('Ready', 'old')] },
  ];
  for (const overtaker of overtakers) {
    const object = thing({ conditions: [condition('Ready', 'old')], url: 'old' });
    const status = { conditions: [condition('Ready', 'ours')], url: 'ours' };
    const { kube, calls } = scriptedClient(conflict, () => thing(overtaker, '5'));
    await assert.rejects(
      patchStatus({ kube, resource: RESOURCE, object, status }, NEVER),
      (error) => error instanceof RetryError && error.reason === 'Conflict',
    );
    assert.equal(calls.length, 2, 'nothing was written');
  }
});

test('a second conflict is a retry', async () => {
  const { kube } = scriptedClient(conflict, () => thing({}, '5'), conflict);
  const request = { kube, resource: RESOURCE, object: thing({}), status: { url: 'new' } };
  await assert.rejects(patchStatus(request, NEVER), (error) => {
    assert.ok(error instanceof RetryError);
    assert.deepEqual([error.reason, error.message], ['Conflict', 'the object has been modified']);
    return true;
  });
});

const gone: [string, Answer[]][] = [
  ['at the write', [notFound]],
  ['when it is read again', [conflict, () => undefined]],
  ['when another object has its name', [conflict, () => thing({}, '5', 'u2')]],
  ['at the second write', [conflict, () => thing({}, '5'), notFound]],
];
for (const [when, answers] of gone) {
  test(`gone ${when}: undefined`, async () => {
    const { kube, calls } = scriptedClient(...answers);
    const request = { kube, resource: RESOURCE, object: thing({}), status: { url: 'new' } };
    assert.equal(await patchStatus(request, NEVER), undefined);
    assert.equal(calls.length, answers.length);
  });
}

test('a server that refuses is an error as it is', async () => {
  const refused = new KubeError('forbidden', { status: 403, reason: 'Forbidden' });
  const { kube } = scriptedClient(() => {
    throw refused;
  });
  const request = { kube, resource: RESOURCE, object: thing({}), status: { url: 'new' } };
  await assert.rejects(patchStatus(request, NEVER), refused);
});
