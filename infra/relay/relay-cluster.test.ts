/** The relay on a real API server: what its own tests with a made-up server take for granted. */
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { CUSTOM_RESOURCE_DEFINITIONS, type KubeObject, type Resource } from '../../shared/kube/resource.ts';
import { systemClock } from '../../shared/runtime/clock.ts';
import { type Batch, CONTRACT_VERSION, type Outcome } from '../../shared/runtime/contract.ts';
import { silentLogger } from '../../shared/runtime/logger.ts';
import { RELEASE } from '../../shared/runtime/release.ts';
import { readSettings } from '../../shared/runtime/settings.ts';
import type { FunctionHandler } from '../../shared/runtime/stack.ts';
import { useApiServer } from '../../test/parts/api-server.ts';
import { needs } from '../../test/parts/parts.ts';
import { createInProcessTarget } from './dispatch-in-process.ts';
import { RELAY_KINDS, type RelayKind } from './kinds.ts';
import { type Relay, startRelay } from './relay.ts';

const KIND = RELAY_KINDS[0]!;
const FINALIZER = KIND.finalizer;

function resourceOf({ group, kind, plural, versions }: RelayKind): Resource {
  return { group, kind, plural, version: versions[0]!, namespaced: true };
}

describe('relay on a real API server', needs('kube-apiserver', 'etcd'), () => {
  const server = useApiServer();
  const relays: Relay[] = [];
  afterEach(async () => {
    for (const relay of relays.splice(0)) await relay.stop();
  });

  /** A relay whose function writes finalizer and status as ours do, and notes each run as `name trigger`. */
  function start(kind: RelayKind, namespace: string, resource = resourceOf(kind)) {
    const { kube, transport } = server;
    const runs: string[] = [];
    const news: (() => void)[] = [];
    const reconcile = async (name: string) => {
      const ref = { namespace, name };
      const object = await kube.get(resource, ref);
      if (!object) return;
      const { generation, annotations, deletionTimestamp } = object.metadata;
      const finalizers = deletionTimestamp ? [] : [FINALIZER];
      await kube.patch(resource, ref, { metadata: { finalizers } });
      if (deletionTimestamp) return;
      const lastTransitionTime = '2026-01-01T00:00:00Z';
      const condition = {
        type: 'Ready',
        status: 'True',
        reason: 'Succeeded',
        message: 'ok',
        lastTransitionTime,
      };
      const lastHandledReconcileAt = annotations?.['reconcile.fluxcd.io/requestedAt'];
      const status = { observedGeneration: generation, conditions: [condition], lastHandledReconcileAt };
      await kube.patch(resource, { ...ref, subresource: 'status' }, { status });
    };
    const handler: FunctionHandler = async (event) => {
      const [request] = (event as Batch).requests;
      const { group, kind: kindName, name, trigger } = request!;
      await reconcile(name);
      runs.push(`${name} ${trigger}`);
      for (const wake of news.splice(0)) wake();
      const outcome: Outcome = {
        group,
        kind: kindName,
        namespace,
        name,
        result: 'ok',
        durationMs: 1,
        events: 0,
      };
      return { contract: CONTRACT_VERSION, release: RELEASE, outcomes: [outcome] };
    };
    const relay = startRelay({
      kube,
      transport,
      kinds: [kind],
      target: createInProcessTarget({
        handlers: new Map([[kind.functionName, handler]]),
        concurrent: 16,
        clock: systemClock,
      }),
      access: () => ({ provider: 'kubeconfig' }),
      settings: readSettings('relay', [`--namespace=${namespace}`, `--cluster-id=${namespace}`], {}),
      clock: systemClock,
      random: Math.random,
      log: silentLogger,
    });
    relays.push(relay);
    /** Resolves with all runs so far when there are `count`. */
    const ran = async (count: number) => {
      while (runs.length < count) await new Promise<void>((resolve) => news.push(resolve));
      return runs;
    };
    return { relay, ran };
  }

  async function create(kind: RelayKind, namespace: string, name: string): Promise<void> {
    const { group, versions } = kind;
    const spec = { image: 'registry.test/app', interval: '5m' };
    const body = { apiVersion: `${group}/${versions[0]}`, kind: kind.kind, metadata: { name }, spec };
    await server.kube.create(resourceOf(kind), { namespace }, body);
  }

  test('creation, request, edit and deletion run once each; status writes and labels do not', async () => {
    const namespace = await server.createNamespace();
    const { ran, relay } = start(KIND, namespace);
    const edit = (name: string, body: unknown) =>
      server.kube.patch<KubeObject>(resourceOf(KIND), { namespace, name }, body);
    await create(KIND, namespace, 'a');
    await ran(1);
    await edit('a', { metadata: { labels: { team: 'x' }, annotations: { note: 'y' } } });
    await edit('a', { metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': '1' } } });
    await ran(2);
    await edit('a', { spec: { interval: '10m' } });
    await ran(3);
    await server.kube.delete(resourceOf(KIND), { namespace, name: 'a' });
    await ran(4);
    // What comes last proves that nothing came in between.
    await create(KIND, namespace, 'b');
    assert.deepEqual(await ran(5), ['a change', 'a requested', 'a change', 'a change', 'b change']);
    assert.equal(relay.ready(), true);
    assert.equal(relay.state()[0]?.objects, 1);
  });

  test('a restart repeats nothing that is settled, and catches up with what happened meanwhile', async () => {
    const namespace = await server.createNamespace();
    const first = start(KIND, namespace);
    await create(KIND, namespace, 'edited');
    await create(KIND, namespace, 'settled');
    await first.ran(2);
    await first.relay.stop();
    await server.kube.patch(resourceOf(KIND), { namespace, name: 'edited' }, { spec: { interval: '1h' } });
    const second = start(KIND, namespace);
    assert.deepEqual(await second.ran(1), ['edited change']);
    assert.equal(second.relay.state()[0]?.objects, 2);
  });

  test('a kind whose CRD is installed later is served from then on', async () => {
    const namespace = await server.createNamespace();
    const name = `late${Date.now()}`;
    const late: RelayKind = {
      ...KIND,
      group: 'test.longshore.dev',
      kind: name,
      plural: `${name}s`,
      versions: ['v1', 'v1beta2'],
      controller: name,
      functionName: name,
    };
    const served = { ...resourceOf(late), version: 'v1beta2' };
    const { ran, relay } = start(late, namespace, served);
    while (!relay.ready()) await new Promise((resolve) => setImmediate(resolve));
    await server.kube.create(CUSTOM_RESOURCE_DEFINITIONS, {}, crdOf(late));
    await createWhenServed();
    assert.deepEqual(await ran(1), ['a change']);

    /** The server needs a moment until it serves what it has just been told of. */
    async function createWhenServed(): Promise<void> {
      while (
        !(await server.kube.getPath(`/apis/${late.group}/v1beta2/namespaces/${namespace}/${late.plural}`))
      ) {}
      await create({ ...late, versions: ['v1beta2'] }, namespace, 'a');
    }
  });
});

/** Served as v1beta2 only: the second of the versions that we know. */
function crdOf({ group, kind, plural }: RelayKind): unknown {
  const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const openAPIV3Schema = { type: 'object', properties: { spec: anything, status: anything } };
  const version = { name: 'v1beta2', served: true, storage: true, schema: { openAPIV3Schema } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind },
      versions: [{ ...version, subresources: { status: {} } }],
    },
  };
}
