import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scriptedClient } from '../../test/parts/scripted-client.ts';
import { forgetResource, getServed, resolveResource } from './discovery.ts';
import { KubeError } from './errors.ts';

const NEVER = new AbortController().signal;
const KIND = { group: 'g.io', kind: 'Thing', plural: 'things', versions: ['v1', 'v1beta2'] };
const serving = (...names: string[]) => ({ resources: names.map((name) => ({ name, namespaced: true })) });
const resource = (version: string) => ({
  group: 'g.io',
  version,
  plural: 'things',
  kind: 'Thing',
  namespaced: true,
});

/** What is found is kept per cluster for the whole process: each test has its own. */
let clusters = 0;
const newCluster = () => `cluster-${clusters++}`;

test('the newest version: one request for the whole process, also for callers at the same time', async () => {
  const cluster = newCluster();
  const { kube, calls } = scriptedClient(() => serving('things', 'things/status'));
  const found = await Promise.all([1, 2, 3].map(() => resolveResource(kube, cluster, KIND, NEVER)));
  assert.deepEqual(found, [resource('v1'), resource('v1'), resource('v1')]);
  assert.deepEqual(await resolveResource(kube, cluster, KIND, NEVER), resource('v1'));
  assert.deepEqual(calls, [{ verb: 'getPath', what: '/apis/g.io/v1' }]);
});

test('a group that serves the version for other kinds only: the next version', async () => {
  const { kube } = scriptedClient(
    () => serving('others', 'things/status'),
    () => serving('things'),
  );
  assert.deepEqual(await resolveResource(kube, newCluster(), KIND, NEVER), resource('v1beta2'));
});

test('forgotten: asked again', async () => {
  const cluster = newCluster();
  const { kube } = scriptedClient(
    () => serving('things'),
    () => undefined,
    () => serving('things'),
  );
  await resolveResource(kube, cluster, KIND, NEVER);
  forgetResource(cluster, KIND);
  assert.deepEqual(await resolveResource(kube, cluster, KIND, NEVER), resource('v1beta2'));
});

test('no version: an error that says what to do, and is not kept', async () => {
  const cluster = newCluster();
  const { kube } = scriptedClient(
    () => undefined,
    () => undefined,
    () => serving('things'),
  );
  await assert.rejects(resolveResource(kube, cluster, KIND, NEVER), (error) => {
    assert.ok(error instanceof KubeError && error.status === 404);
    assert.equal(
      error.message,
      'the cluster does not serve things.g.io in any of v1, v1beta2: install the CRDs',
    );
    return true;
  });
  assert.deepEqual(await resolveResource(kube, cluster, KIND, NEVER), resource('v1'));
});

test('another cluster is asked by itself', async () => {
  const { kube, calls } = scriptedClient(
    () => serving('things'),
    () => serving('things'),
  );
  await resolveResource(kube, newCluster(), KIND, NEVER);
  await resolveResource(kube, newCluster(), KIND, NEVER);
  assert.equal(calls.length, 2);
});

test('a caller that gives up does not take the answer from the others', async () => {
  const cluster = newCluster();
  const answer = Promise.withResolvers<unknown>();
  const { kube } = scriptedClient(() => answer.promise);
  const controller = new AbortController();
  const impatient = resolveResource(kube, cluster, KIND, controller.signal);
  const patient = resolveResource(kube, cluster, KIND, NEVER);
  const reason = new Error('deadline');
  controller.abort(reason);
  await assert.rejects(impatient, reason);
  answer.resolve(serving('things'));
  assert.deepEqual(await patient, resource('v1'));
});

test('a version that is dropped while we run: the object is found under the one that is left', async () => {
  const cluster = newCluster();
  const ref = { namespace: 'ns', name: 'a' };
  const { kube, calls } = scriptedClient(
    () => serving('things'),
    () => ({ spec: 1 }),
    () => {
      throw new KubeError('404 page not found', { status: 404 });
    },
    () => undefined,
    () => serving('things'),
    () => ({ spec: 2 }),
    () => undefined,
  );
  const read = () => getServed(kube, cluster, KIND, ref, NEVER);
  assert.deepEqual(await read(), { resource: resource('v1'), object: { spec: 1 } });
  assert.deepEqual(await read(), { resource: resource('v1beta2'), object: { spec: 2 } });
  assert.equal(await read(), undefined);
  assert.equal(calls.length, 7);
});
