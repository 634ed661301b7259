/** `longshore up` as a process: what a person at a terminal, or a script, meets. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { ImageRepository } from '../../../shared/api/image-repository.ts';
import { loadKubeconfig } from '../../../shared/kube/kubeconfig.ts';
import { NAMESPACES, type Resource } from '../../../shared/kube/resource.ts';
import { useApiServer } from '../../../test/parts/api-server.ts';
import { onEveryApiServer } from '../../../test/parts/api-servers.ts';
import { startKubeApiServer } from '../../../test/parts/kube-api-server.ts';
import { needs } from '../../../test/parts/parts.ts';
import { freePort, type RunningProcess, startProcess } from '../../../test/parts/process.ts';
import { OWN_KINDS } from '../../relay/kinds.ts';
import { startApiServer } from '../api-server/api-server.ts';
import { startRegistry } from '../registry/registry.ts';
import { type Cluster, connectCluster } from './serve.ts';

const LAUNCHER = join(import.meta.dirname, '../../../longshore.mjs');
const REPOSITORIES: Resource = {
  group: 'image.toolkit.fluxcd.io',
  version: 'v1',
  plural: 'imagerepositories',
  kind: 'ImageRepository',
  namespaced: true,
};
const ALL_READY =
  /^ImageRepository (apps\/web|apps\/worker|billing\/billing|platform\/base) Ready=True Succeeded: /gm;
/** In the demo's Quay: a general repository, and that of a Component. */
const PROVISIONED =
  /^ImageRepository\.appstudio test-ns\/imagerepository-(for-component-)?sample Ready=True Provisioned: /gm;

/** A data folder and free ports: flags of a demo that meets no other one. */
async function setUp(t: TestContext) {
  const data = await mkdtemp(join(tmpdir(), 'longshore-up-'));
  t.after(() => rm(data, { recursive: true }));
  const [api, registry, web, quay] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const address = `127.0.0.1:${web}`;
  const common = [
    `--data=${data}`,
    `--health-addr=${address}`,
    `--metrics-addr=${address}`,
    `--storage-addr=${address}`,
  ];
  const servers = [`--registry-port=${registry}`, `--quay-port=${quay}`];
  const args = [...common, `--api-port=${api}`, ...servers];
  return { data, api, registry, quay, web, common, servers, args };
}

/** Runs `longshore up` to its end. */
function run(args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [LAUNCHER, 'up', ...args], (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? Number.NaN) : 0, stdout, stderr });
    });
  });
}

async function start(t: TestContext, args: string[], nodeArgs: string[] = []): Promise<RunningProcess> {
  const up = await startProcess(process.execPath, [...nodeArgs, LAUNCHER, 'up', ...args]);
  t.after(() => up.stop());
  return up;
}

/** Waits for something that the process says. */
async function said(up: RunningProcess, text: string): Promise<void> {
  let code: number | null | undefined;
  void up.ended.then((ended) => {
    code = ended;
  });
  while (!up.output().includes(text)) {
    assert.equal(code, undefined, `it ended without saying '${text}':\n${up.output()}`);
    await pause(20);
  }
}

function repository(name: string, spec: ImageRepository['spec']) {
  return { apiVersion: 'image.toolkit.fluxcd.io/v1', kind: 'ImageRepository', metadata: { name }, spec };
}

async function connect(t: TestContext, file: string): Promise<Cluster> {
  const cluster = connectCluster(await loadKubeconfig({ file }));
  t.after(() => cluster.transport.close());
  return cluster;
}

async function versionsOf({ kube }: Cluster): Promise<Record<string, string>> {
  const { items } = await kube.list<ImageRepository>(REPOSITORIES);
  return Object.fromEntries(items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
}

/** Whether something listens on a port. */
async function isTaken(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(true));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(false)));
  });
}

test('--once ends with 0 when every example is Ready, in plain lines', async (t) => {
  const { args, data } = await setUp(t);
  const { code, stdout, stderr } = await run(['--once', ...args]);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  assert.equal(new Set(stdout.match(ALL_READY)).size, 4, stdout);
  assert.equal(new Set(stdout.match(PROVISIONED)).size, 2, stdout);
  assert.match(stdout, /\nAll 18 objects are as they are meant to be\.\n$/);
  assert.doesNotMatch(stdout, /[^\P{Cc}\n]/u, 'no control characters but line feeds');
  assert.match(await readFile(join(data, 'kubeconfig'), 'utf8'), /^ *server: https:/m);
  assert.equal((await stat(join(data, 'kubeconfig'))).mode & 0o077, 0, 'the token is for its owner only');
});

test('--once ends with 1 and the reasons when something does not get Ready', async (t) => {
  const { args, data, registry } = await setUp(t);
  const up = await start(t, args);
  await said(up, 'Look around');
  const { kube } = await connect(t, join(data, 'kubeconfig'));
  const spec = { image: `127.0.0.1:${registry}/private/billing`, interval: '1m' };
  await kube.create(REPOSITORIES, { namespace: 'apps' }, repository('broken', spec));
  await said(up, 'apps/broken Ready=False');
  await up.stop();
  const { code, stdout, stderr } = await run(['--once', '--timeout=1s', ...args]);
  assert.equal(code, 1);
  assert.match(stdout, /^ImageRepository apps\/web Ready=True/m);
  const [first, second, ...rest] = stderr.split('\n');
  assert.equal(first, 'longshore up: not everything was Ready after 1s:');
  assert.match(second!, /^longshore up: ImageRepository apps\/broken Ready=False \w+: /);
  assert.deepEqual(rest, ['']);
});

test('restarted, it finds its objects, tags and edits, and scans nothing that is not due', async (t) => {
  const { data, registry, common, servers } = await setUp(t);
  const first = await start(t, [...common, `--api-port=${await freePort()}`, ...servers]);
  await said(first, 'Look around');
  const before = await connect(t, join(data, 'kubeconfig'));
  const tags = `http://127.0.0.1:${registry}/v2/samples/web`;
  const manifest = await (await fetch(`${tags}/manifests/latest`)).text();
  const headers = { 'content-type': JSON.parse(manifest).mediaType };
  const put = await fetch(`${tags}/manifests/9.9.9`, { method: 'PUT', body: manifest, headers });
  assert.equal(put.status, 201);
  const ref = { namespace: 'apps', name: 'worker' };
  await before.kube.patch(REPOSITORIES, ref, { metadata: { labels: { edited: 'yes' } } });
  const versions = await versionsOf(before);
  await first.stop();

  const second = await start(t, [...common, `--api-port=${await freePort()}`]);
  await said(second, 'Look around');
  const after = await connect(t, join(data, 'kubeconfig'));
  // A scan that somebody asks for comes after those that the start would have found due.
  await after.kube.patch(
    REPOSITORIES,
    { namespace: 'apps', name: 'web' },
    {
      metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': 'now' } },
    },
  );
  await said(second, 'apps/web Ready=True Succeeded: successful scan: found 14 tags');
  const { web: _, ...others } = await versionsOf(after);
  const { web: __, ...unchanged } = versions;
  assert.deepEqual(others, unchanged);
  const worker = await after.kube.get<ImageRepository>(REPOSITORIES, ref);
  assert.deepEqual(worker?.metadata.labels, { edited: 'yes' });
});

for (const [signal, how] of [
  ['SIGTERM', 'directly'],
  ['SIGINT', 'directly'],
  ['SIGTERM', 'through a launcher on an older Node'],
] as const) {
  test(`${signal} ${how}: it stops with 0, and leaves neither process nor port`, async (t) => {
    const { args, ...ports } = await setUp(t);
    const used = [ports.api, ports.registry, ports.quay, ports.web];
    const older = "Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.0.0'}})";
    const nodeArgs =
      how === 'directly' ? [] : ['--import', `data:text/javascript,${encodeURIComponent(older)}`];
    const up = await start(t, args, nodeArgs);
    await said(up, 'Look around');
    assert.deepEqual(await Promise.all(used.map(isTaken)), [true, true, true, true]);
    process.kill(up.pid, signal);
    assert.equal(await up.ended, 0, up.output());
    assert.deepEqual(await Promise.all(used.map(isTaken)), [false, false, false, false]);
  });
}

for (const [flag, which] of [
  ['--api-port', 'api'],
  ['--registry-port', 'registry'],
  ['--quay-port', 'quay'],
  ['--health-addr', 'web'],
] as const) {
  test(`a port that is taken is named with ${flag}`, async (t) => {
    const ports = await setUp(t);
    const other = createServer().listen(ports[which], '127.0.0.1');
    t.after(() => other.close());
    const { code, stderr } = await run(['--once', ...ports.args]);
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`^longshore up: [^\\n]*${ports[which]}[^\\n]*\\n$`));
    assert.ok(stderr.includes(flag), stderr);
  });
}

test('a kubeconfig that is not there is named', async (t) => {
  const { common } = await setUp(t);
  const { code, stderr } = await run(['--kubeconfig=/nowhere/config', ...common]);
  assert.equal(code, 1);
  assert.match(stderr, /^longshore up: kubeconfig \/nowhere\/config: no such file\n$/);
});

test('a cluster without our kinds gets a line that names --install-crds', async (t) => {
  const { common, data } = await setUp(t);
  const api = await startApiServer({ port: 0, dataFolder: join(data, 'other'), kinds: [] });
  t.after(() => api.close());
  await writeFile(join(data, 'config'), api.kubeconfig);
  const { code, stderr } = await run([`--kubeconfig=${join(data, 'config')}`, ...common]);
  assert.equal(code, 1);
  const names = OWN_KINDS.map(({ plural, group }) => `${plural}.${group}`).join(', ');
  assert.equal(
    stderr,
    `longshore up: the cluster does not know ${names}: add --install-crds, or kubectl apply -f crds/\n`,
  );
});

onEveryApiServer((server) => {
  test('it serves its objects, and neither starts nor creates anything of the demo', async (t) => {
    const { common, api, data } = await setUp(t);
    const images = await startRegistry({ port: 0 });
    t.after(() => images.close());
    await images.push('team/app', ['1.0', '1.1']);
    const namespace = await server.createNamespace();
    const spec = { image: `${images.host}/team/app`, interval: '1h' };
    await server.kube.create(REPOSITORIES, { namespace }, repository('app', spec));

    const args = [`--kubeconfig=${server.kubeconfig}`, `--namespace=${namespace}`, ...common];
    const { code, stdout, stderr } = await run(['--once', ...args]);
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      new RegExp(`^ImageRepository ${namespace}/app Ready=True Succeeded: .* 2 tags`, 'm'),
    );
    assert.equal(await isTaken(api), false);
    await assert.rejects(stat(join(data, 'registry')), { code: 'ENOENT' });
    const { items } = await server.kube.list(NAMESPACES);
    assert.ok(!items.some(({ metadata }) => metadata.name === 'billing'));
  });
});

test('on a cluster that exists, without --once, it prints the log lines of the relay', async (t) => {
  const { common, data, web } = await setUp(t);
  const api = await startApiServer({ port: 0, dataFolder: join(data, 'other') });
  t.after(() => api.close());
  await writeFile(join(data, 'config'), api.kubeconfig);
  const { kube } = await connect(t, join(data, 'config'));
  await kube.create(
    REPOSITORIES,
    { namespace: 'default' },
    repository('app', { image: '://', interval: '1h' }),
  );
  const up = await start(t, [`--kubeconfig=${join(data, 'config')}`, ...common]);
  await said(up, '"name":"app"');
  assert.equal((await fetch(`http://127.0.0.1:${web}/metrics`)).status, 200);
  process.kill(up.pid, 'SIGTERM');
  assert.equal(await up.ended, 0, up.output());
  const [first, second, ...lines] = up.output().trimEnd().split('\n');
  assert.match(first!, /^Longshore \S+ serves https:\/\/127\.0\.0\.1:\d+, data in /);
  assert.match(second!, new RegExp(`^Metrics: http://127\\.0\\.0\\.1:${web}/metrics   Log lines follow`));
  for (const line of lines) assert.ok(JSON.parse(line).msg, line);
});

test('--once that is stopped before everything is Ready ends with 1', async (t) => {
  const { common, data } = await setUp(t);
  const api = await startApiServer({ port: 0, dataFolder: join(data, 'other') });
  t.after(() => api.close());
  await writeFile(join(data, 'config'), api.kubeconfig);
  const { kube } = await connect(t, join(data, 'config'));
  const spec = { image: `127.0.0.1:${await freePort()}/nobody/home`, interval: '1h', timeout: '1s' };
  await kube.create(REPOSITORIES, { namespace: 'default' }, repository('app', spec));
  const up = await start(t, ['--once', '--timeout=1h', `--kubeconfig=${join(data, 'config')}`, ...common]);
  await said(up, 'default/app Ready=False');
  process.kill(up.pid, 'SIGTERM');
  assert.equal(await up.ended, 1);
  assert.match(up.output(), /^longshore up: stopped before everything was Ready$/m);
});

describe('--install-crds', needs('kube-apiserver', 'etcd'), () => {
  const server = useApiServer(startKubeApiServer);

  test('installs what is missing, updates what it has installed, leaves the rest', async (t) => {
    const { common } = await setUp(t);
    const args = ['--once', `--kubeconfig=${server.kubeconfig}`, '--install-crds', ...common];
    const crd = 'CRD imagerepositories.image.toolkit.fluxcd.io';
    const left = await run(args);
    assert.match(left.stdout, new RegExp(`^${crd} is there already`, 'm'), left.stderr);
    const definitions = { group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions' };
    const resource = { ...definitions, kind: 'CustomResourceDefinition', namespaced: false };
    const ref = { name: 'imagerepositories.image.toolkit.fluxcd.io' };
    await server.kube.delete(resource, ref);
    while (await server.kube.get(resource, ref)) await pause(20);
    for (const result of ['installed', 'brought up to date']) {
      const { code, stdout, stderr } = await run(args);
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, new RegExp(`^${crd} ${result}$`, 'm'), stderr);
    }
  });
});
