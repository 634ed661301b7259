/**
 * Acceptance points 18 and 19 (the scan's half): clusters whose CRDs somebody else installed, with the version of the
 * founding documents and nothing else. What that schema does not know is pruned from every status (IR-API-3).
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import * as z from 'zod';
import { startApiServer } from '../../infra/local/api-server/api-server.ts';
import { type LocalRegistry, startRegistry } from '../../infra/local/registry/registry.ts';
import { customResourceDefinition } from '../../shared/api/crd.ts';
import { IMAGE_REPOSITORY_KIND } from '../../shared/api/image-repository-schema.ts';
import { defineKind } from '../../shared/api/kind.ts';
import type { Resource } from '../../shared/kube/resource.ts';
import { createKubeClient } from '../../shared/kube/rest-client.ts';
import { createTransport } from '../../shared/kube/transport.ts';
import { type StartServer, useApiServer } from '../parts/api-server.ts';
import { startKubeApiServer } from '../parts/kube-api-server.ts';
import { needs } from '../parts/parts.ts';
import { assertKstatus } from '../workbench/kstatus.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

const MINUTE = 60_000;
const Name = z.object({ name: z.string() });

/** As the releases of the v1beta1 era had it: no revision, no tags, no observed list, no defaults. */
const OLD_KIND = defineKind({
  ...IMAGE_REPOSITORY_KIND,
  versions: ['v1beta1'],
  presentation: { v1beta1: { columns: [] } },
  spec: z.object({
    image: z.string(),
    interval: z.string(),
    timeout: z.string().optional(),
    secretRef: Name.optional(),
    certSecretRef: Name.optional(),
    serviceAccountName: z.string().optional(),
    suspend: z.boolean().optional(),
    exclusionList: z.array(z.string()).optional(),
  }),
  status: z
    .object({
      conditions: z
        .array(
          z.object({
            type: z.string(),
            status: z.string(),
            reason: z.string(),
            message: z.string(),
            lastTransitionTime: z.string(),
            observedGeneration: z.int().optional(),
          }),
        )
        .optional(),
      observedGeneration: z.int().optional(),
      canonicalImageName: z.string().optional(),
      lastScanResult: z.object({ tagCount: z.int(), scanTime: z.string().optional() }).optional(),
      lastHandledReconcileAt: z.string().optional(),
    })
    .optional(),
});

const CRDS: Resource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};

const SERVERS: [name: string, options: { skip: string | false }, start: StartServer][] = [
  ['the embedded control plane', { skip: false }, startEmbedded],
  ['a real kube-apiserver', needs('kube-apiserver', 'etcd'), startReal],
];

for (const [name, options, start] of SERVERS) {
  describe(`19. CRDs with v1beta1 alone, on ${name}`, options, () => {
    const server = useApiServer(start);
    let registry: LocalRegistry;
    let bench: Workbench;

    before(async () => {
      registry = await startRegistry({ port: 0 });
      await registry.push('stefanprodan/podinfo', ['6.0.0', '6.1.0', 'latest']);
    });
    after(() => registry?.close());
    beforeEach(async () => {
      // Discovery is kept per cluster: this one is another than those of the other tests.
      bench = await openWorkbench({
        kube: server.kube,
        version: 'v1beta1',
        cluster: `old-${name.replaceAll(' ', '-')}`,
      });
      registry.requests.clear();
    });
    afterEach(() => bench.close());

    const image = () => `${registry.host}/stefanprodan/podinfo`;

    it('the example of the founding documents becomes Ready, and the next runs keep to its interval', async () => {
      await bench.create('podinfo', { image: image(), interval: '10m' });
      const first = await bench.run('podinfo');
      assert.equal(first.result, 'ok', JSON.stringify(first));
      const { status } = (await bench.read('podinfo'))!;
      assertKstatus((await bench.read('podinfo'))!);
      assert.equal(status!.canonicalImageName, image());
      assert.deepEqual(Object.keys(status!.lastScanResult!).sort(), ['scanTime', 'tagCount']);

      bench.forget();
      registry.requests.clear();
      bench.clock.move(3 * MINUTE);
      const second = await bench.run('podinfo', { trigger: 'resync' });
      assert.equal(second.result === 'ok' && second.requeueAfterMs, 7 * MINUTE);
      assert.equal(registry.requests.count(), 0, 'no scan before its time');
      assert.deepEqual(bench.writes(), [], 'what is pruned is no reason to write');
      assert.deepEqual((await bench.read('podinfo'))!.status, status);

      bench.clock.move(7 * MINUTE);
      const third = await bench.run('podinfo', { trigger: 'timer' });
      assert.equal(registry.requests.count(), 1);
      assert.deepEqual(
        bench.writes().map(({ on }) => on),
        ['imagerepositories/status'],
      );
      assert.equal(third.result === 'ok' && third.changed, undefined);
    });

    it('a new tag wakes dependents although the status cannot show the revision (IR-POL-7)', async () => {
      await bench.create('podinfo', { image: image() });
      await bench.run('podinfo');
      await registry.push('stefanprodan/podinfo', ['6.2.0']);
      bench.clock.move(10 * MINUTE);
      const outcome = await bench.run('podinfo', { trigger: 'timer' });
      const { metadata } = (await bench.read('podinfo'))!;
      const record = await bench.record('podinfo', metadata.uid);
      assert.equal(outcome.result === 'ok' && outcome.changed, record!.revision);
      await registry.deleteTag('stefanprodan/podinfo', '6.2.0');
    });

    it('a list that the status cannot show is compared with the stored one (IR-REPO-7)', async () => {
      await bench.create('podinfo', { image: image(), exclusionList: ['^latest$'] });
      await bench.run('podinfo');
      registry.requests.clear();
      await bench.edit('podinfo', { spec: { interval: '20m' } });
      await bench.run('podinfo');
      assert.equal(registry.requests.count(), 0);
      await bench.edit('podinfo', { spec: { exclusionList: ['^6'] } });
      await bench.run('podinfo');
      assert.equal(registry.requests.count(), 1);
      assert.equal((await bench.read('podinfo'))!.status!.lastScanResult!.tagCount, 1);
    });

    it('a list with a comma in a pattern is another list', async () => {
      await bench.create('podinfo', { image: image(), exclusionList: ['^x', 'y'] });
      await bench.run('podinfo');
      await bench.edit('podinfo', { spec: { exclusionList: ['^x,y'] } });
      await bench.run('podinfo');
      registry.requests.clear();
      await bench.edit('podinfo', { spec: { interval: '20m' } });
      await bench.run('podinfo');
      assert.equal(registry.requests.count(), 0);
    });

    it('failures, stalls and deletion are as everywhere', async () => {
      await bench.create('podinfo', { image: image(), secretRef: { name: 'regcred' } });
      assert.equal((await bench.run('podinfo')).result, 'retry');
      assertKstatus((await bench.read('podinfo'))!);
      await bench.edit('podinfo', { spec: { image: 'https://x/y' } });
      assert.equal((await bench.run('podinfo')).result, 'stalled');
      assertKstatus((await bench.read('podinfo'))!);
      await bench.remove('podinfo');
      assert.equal((await bench.run('podinfo')).result, 'gone');
      assert.equal(await bench.read('podinfo'), undefined);
    });
  });
}

async function startEmbedded(): ReturnType<StartServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'longshore-plane-'));
  const server = await startApiServer({ port: 0, dataFolder: folder, kinds: [OLD_KIND] });
  const kubeconfig = path.join(folder, 'kubeconfig');
  await writeFile(kubeconfig, server.kubeconfig);
  return {
    endpoint: server.endpoint,
    kubeconfig,
    async stop() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A server of its own: nobody else can use one without our CRD. */
async function startReal(): ReturnType<StartServer> {
  const server = await startKubeApiServer();
  const transport = createTransport(server.endpoint);
  const kube = createKubeClient(transport);
  const definition = customResourceDefinition(OLD_KIND);
  const { name } = definition.metadata;
  await kube.delete(CRDS, { name });
  while (await kube.get(CRDS, { name })) await pause(20);
  await kube.create(CRDS, {}, definition);
  const served = `/apis/${OLD_KIND.group}/v1beta1`;
  while (!(await kube.getPath<{ resources: unknown[] }>(served))?.resources.length) await pause(20);
  transport.close();
  return server;
}
