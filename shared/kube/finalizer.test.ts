import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, scriptedClient } from '../../test/parts/scripted-client.ts';
import { RetryError } from '../runtime/errors.ts';
import { isNotFound, KubeError } from './errors.ts';
import { addFinalizer, removeFinalizer } from './finalizer.ts';
import type { KubeObject, ObjectMeta, Resource } from './resource.ts';

const RESOURCE: Resource = { group: 'g', version: 'v1', plural: 'things', kind: 'Thing', namespaced: true };
const NEVER = new AbortController().signal;
const OURS = 'finalizers.fluxcd.io';

const thing = (metadata: Partial<ObjectMeta> = {}): KubeObject => ({
  apiVersion: 'g/v1',
  kind: 'Thing',
  metadata: { namespace: 'ns', name: 'a', uid: 'u1', resourceVersion: '1', ...metadata },
  spec: {},
});

const fails =
  (status: number, reason: string): Answer =>
  () => {
    throw new KubeError(reason, { status, reason });
  };
const conflict = fails(409, 'Conflict');
const notFound = fails(404, 'NotFound');

const bodyWith = (resourceVersion: string, finalizers: string[]) => ({
  metadata: { resourceVersion, finalizers },
});

test('adding keeps those of others, over the version that was read', async () => {
  const after = thing({ finalizers: ['x', OURS] });
  const { kube, calls } = scriptedClient(() => after);
  assert.equal(await addFinalizer(kube, RESOURCE, thing({ finalizers: ['x'] }), OURS, NEVER), after);
  assert.deepEqual(calls, [{ verb: 'patch', what: 'things', name: 'a', body: bodyWith('1', ['x', OURS]) }]);
});

test('adding what is there, removing what is not: no request', async () => {
  const { kube } = scriptedClient();
  const held = thing({ finalizers: [OURS] });
  assert.equal(await addFinalizer(kube, RESOURCE, held, OURS, NEVER), held);
  const free = thing();
  assert.equal(await removeFinalizer(kube, RESOURCE, free, OURS, NEVER), free);
});

test('removing keeps those of others', async () => {
  const { kube, calls } = scriptedClient(() => thing());
  await removeFinalizer(kube, RESOURCE, thing({ finalizers: ['x', OURS, 'y'] }), OURS, NEVER);
  assert.deepEqual(calls[0]!.body, bodyWith('1', ['x', 'y']));
});

test('after a conflict: once more over what is there now', async () => {
  const fresh = thing({ resourceVersion: '5', finalizers: ['new'] });
  const { kube, calls } = scriptedClient(
    conflict,
    () => fresh,
    () => thing(),
  );
  await addFinalizer(kube, RESOURCE, thing(), OURS, NEVER);
  assert.deepEqual(calls[2]!.body, bodyWith('5', ['new', OURS]));
});

test('an object that is being deleted meanwhile gets none: the server would refuse it', async () => {
  const fresh = thing({ resourceVersion: '5', deletionTimestamp: '2026-01-05T10:00:00Z' });
  const { kube, calls } = scriptedClient(conflict, () => fresh);
  assert.equal(await addFinalizer(kube, RESOURCE, thing(), OURS, NEVER), fresh);
  assert.equal(calls.length, 2);
});

test('a second conflict is a retry', async () => {
  const { kube } = scriptedClient(conflict, () => thing({ resourceVersion: '5' }), conflict);
  await assert.rejects(addFinalizer(kube, RESOURCE, thing(), OURS, NEVER), (error) => {
    return error instanceof RetryError && error.reason === 'Conflict';
  });
});

for (const [when, answers] of [
  ['at the write', [notFound]],
  ['when it is read again', [conflict, () => undefined]],
  ['when another object has its name', [conflict, () => thing({ uid: 'u2' })]],
] as [string, Answer[]][]) {
  test(`gone ${when}: removing is done (IR-REC-6), adding an error`, async () => {
    const removing = scriptedClient(...answers);
    const held = thing({ finalizers: [OURS] });
    assert.equal(await removeFinalizer(removing.kube, RESOURCE, held, OURS, NEVER), undefined);
    const adding = scriptedClient(...answers);
    await assert.rejects(addFinalizer(adding.kube, RESOURCE, thing(), OURS, NEVER), isNotFound);
  });
}
