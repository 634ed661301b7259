import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { KubeError } from '../../../shared/kube/errors.ts';
import { createManualClock } from '../../../shared/runtime/manual-clock.ts';
import { createMissing, installCrd } from './apply.ts';

const signal = new AbortController().signal;

const CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.example.com' },
};

/** A cluster that is a map of objects by name; it writes down every write. */
function fakeCluster(present: Record<string, object> = {}, afterWrite = (object: object) => object) {
  const objects = new Map(Object.entries(present));
  const writes: string[] = [];
  const write = (verb: string, name: string, body: unknown) => {
    writes.push(`${verb} ${name}`);
    objects.set(name, afterWrite({ ...objects.get(name), ...(body as object) }));
    return objects.get(name);
  };
  const kube = {
    get: async (_: unknown, { name }: { name: string }) => objects.get(name),
    create: async (_: unknown, __: unknown, body: { metadata: { name: string } }) =>
      write('create', body.metadata.name, body),
    patch: async (_: unknown, { name }: { name: string }, body: unknown) => write('patch', name, body),
  } as unknown as KubeClient;
  return { kube, writes };
}

const namespaceOf = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
const secretOf = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: 'apps' },
});

test('what is missing is created, namespaces first; what is there is left alone', async () => {
  const { kube, writes } = fakeCluster({ there: secretOf('there') });
  const manifests = [secretOf('there'), secretOf('new'), namespaceOf('apps')];
  assert.equal(await createMissing(kube, manifests, signal), 2);
  assert.deepEqual(writes, ['create apps', 'create new']);
});

test('an object that appears in between is there as well; another refusal is told', async () => {
  const { kube } = fakeCluster();
  kube.create = () => Promise.reject(new KubeError('exists', { status: 409, reason: 'AlreadyExists' }));
  assert.equal(await createMissing(kube, [namespaceOf('apps')], signal), 0);
  kube.create = () => Promise.reject(new KubeError('no', { status: 403, reason: 'Forbidden' }));
  await assert.rejects(createMissing(kube, [namespaceOf('apps')], signal), { message: 'no' });
});

const established = { conditions: [{ type: 'Established', status: 'True' }] };
const ours = { ...CRD, metadata: { ...CRD.metadata, managedFields: [{ manager: 'longshore' }] } };
const theirs = { ...CRD, metadata: { ...CRD.metadata, managedFields: [{ manager: 'flux' }] } };

for (const [name, present, result, writes] of [
  ['is missing is installed', {}, 'installed', ['create things.example.com']],
  ['is ours is brought up to date', { [CRD.metadata.name]: ours }, 'updated', ['patch things.example.com']],
  ['is somebody else’s is left alone', { [CRD.metadata.name]: theirs }, 'left', []],
] as const) {
  test(`a CRD that ${name}`, async () => {
    const cluster = fakeCluster(present, (object) => ({ ...object, status: established }));
    assert.equal(await installCrd(cluster.kube, CRD, createManualClock(), signal), result);
    assert.deepEqual(cluster.writes, writes);
  });
}

test('a kind that the cluster does not come to serve is told', async () => {
  const clock = createManualClock();
  const { kube } = fakeCluster();
  const installed = assert.rejects(installCrd(kube, CRD, clock, signal), {
    message: 'the cluster does not serve things.example.com after 30 s',
  });
  let over = false;
  void installed.then(() => {
    over = true;
  });
  while (!over) {
    clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
});
