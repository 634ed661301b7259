/** The API server is the only durable log: whatever happens to the way there, every change is reconciled afterwards. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { startApiServer } from '../../infra/local/api-server/api-server.ts';
import { startRegistry } from '../../infra/local/registry/registry.ts';
import { connectCluster } from '../../infra/local/up/serve.ts';
import { NAMESPACES } from '../../shared/kube/resource.ts';
import type { ApiServerInUse } from '../parts/api-server.ts';
import { onEveryApiServer } from '../parts/api-servers.ts';
import { openApiGateway } from './api-gateway.ts';
import { startHeldRegistry } from './held-registry.ts';
import { eventually, openStage } from './stage.ts';

/** A registry with the repositories `team/app`, `team/other` and `team/third`. */
async function startImages(t: TestContext) {
  const registry = await startRegistry({ port: 0 });
  t.after(() => registry.close());
  for (const name of ['app', 'other', 'third']) await registry.push(`team/${name}`, ['1.0', '2.0']);
  return { registry, image: (name: string) => `${registry.host}/team/${name}` };
}

async function setUp(t: TestContext, api: ApiServerInUse) {
  const images = await startImages(t);
  const stage = await openStage(t, api);
  const gateway = await openApiGateway(t, api.endpoint);
  const product = await stage.serve({ endpoint: gateway.endpoint });
  for (const name of ['app', 'other']) await stage.create(name, { image: images.image(name) });
  for (const name of ['app', 'other']) await stage.ready(name);
  await product.idle();
  images.registry.requests.clear();
  return { ...images, stage, gateway, product };
}

onEveryApiServer((api) => {
  test('cut off from the API server, it finds every change, request and deletion afterwards', async (t) => {
    const { stage, gateway, product, registry, image } = await setUp(t, api);
    gateway.cut();
    await stage.edit('app', { exclusionList: ['^1'] });
    await stage.create('third', { image: image('third') });
    await stage.remove('other');
    await eventually(
      () => product.log.some((line) => /watch of .* failed/.test(line)),
      () => 'the cut was not noticed',
    );
    gateway.restore();
    const { status } = await stage.ready('app');
    assert.deepEqual(status!.lastScanResult!.latestTags, ['2.0']);
    await stage.ready('third');
    await stage.gone('other');
    await product.idle();
    assert.equal(registry.requests.count(), 2, 'nobody else was scanned');
    assert.deepEqual(await stage.records(), [`${stage.namespace}/app`, `${stage.namespace}/third`]);
  });

  test('cut off in the middle of a run, it repeats the run', async (t) => {
    const slow = await startHeldRegistry(t, ['3.0']);
    const { stage, gateway, product } = await setUp(t, api);
    await stage.edit('app', { image: slow.image('team/app') });
    await slow.asked(1);
    gateway.cut();
    slow.release();
    await eventually(
      () => product.log.some((line) => line.includes('"name":"app","error":')),
      () => 'the run did not fail',
    );
    gateway.restore();
    const { status } = await stage.ready('app');
    assert.equal(status!.canonicalImageName, slow.image('team/app'));
    assert.deepEqual(status!.lastScanResult!.latestTags, ['3.0']);
  });

  test('a watch that breaks off in the middle of a line loses no change', async (t) => {
    const { stage, gateway, product } = await setUp(t, api);
    const { watches } = gateway;
    gateway.cutNextLine();
    await stage.edit('app', { exclusionList: ['^1'] });
    const { status } = await stage.ready('app');
    assert.equal(status!.lastScanResult!.tagCount, 1);
    assert.ok(gateway.watches > watches);
    assert.match(await product.metrics(), /^longshore_watch_restarts_total\{[^}]*cause="broken"\} 1$/m);
  });

  test('a watch whose past is forgotten lists again, and notices who has gone', async (t) => {
    const { stage, gateway, product, registry } = await setUp(t, api);
    gateway.forgetHistory();
    await stage.remove('other');
    await stage.edit('app', { exclusionList: ['^1'] });
    const { status } = await stage.ready('app');
    assert.equal(status!.lastScanResult!.tagCount, 1);
    await stage.gone('other');
    const restarts = /^longshore_watch_restarts_total\{controller="imagerepository",cause="expired"\} 1$/m;
    assert.match(await product.metrics(), restarts);
    await product.idle();
    assert.equal(registry.requests.count(), 1, 'a list repeats no scan');
  });
});

test('an API server that starts again on its port and folder is found again', async (t) => {
  const { registry, image } = await startImages(t);
  const dataFolder = await mkdtemp(path.join(tmpdir(), 'longshore-e2e-api-'));
  let server = await startApiServer({ port: 0, dataFolder });
  const { endpoint } = server;
  const { kube, transport } = connectCluster(endpoint);
  const createNamespace = async () => {
    await kube.create(NAMESPACES, {}, { metadata: { name: 'apps' } });
    return 'apps';
  };
  const stage = await openStage(t, { endpoint, kube, createNamespace });
  t.after(async () => {
    transport.close();
    await server.close();
    await rm(dataFolder, { recursive: true });
  });
  const product = await stage.serve();
  await stage.create('app', { image: image('app') });
  await stage.create('other', { image: image('other') });
  await stage.ready('app');
  const { metadata } = await stage.ready('other');
  await product.idle();
  registry.requests.clear();

  await server.close();
  await registry.push('team/app', '3.0');
  await eventually(
    () => product.log.some((line) => /watch of .* failed/.test(line)),
    () => 'nobody noticed',
  );
  server = await startApiServer({ port: Number(new URL(endpoint.server).port), dataFolder });
  await stage.request('app');
  const { status } = await stage.ready('app');
  assert.equal(status!.lastScanResult!.tagCount, 3);
  await stage.create('third', { image: image('third') });
  await stage.ready('third');
  await product.idle();
  assert.equal((await stage.read('other')).metadata.resourceVersion, metadata.resourceVersion);
  assert.equal(registry.requests.count(), 2);
});
