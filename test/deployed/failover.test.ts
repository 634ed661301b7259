/** The leader goes, with 200 objects in flight: another relay leads in time, nothing is lost, nothing goes back. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { IMAGE_REPOSITORY, type ImageRepository } from '../../shared/api/image-repository.ts';
import { findCondition } from '../../shared/kube/conditions.ts';
import { apiVersionOf, NAMESPACES, REQUEST_ANNOTATION, type Resource } from '../../shared/kube/resource.ts';
import { needs } from '../parts/parts.ts';
import { type Deployment, deploy, type Pod } from './deployment.ts';
import { type SlowRegistry, startSlowRegistry } from './registry.ts';

const OBJECTS = 200;
const PATIENCE_MS = 60_000;

/** Of serverless.yml. */
const DEPLOYED_TIMEOUT_MS = 300_000;

const REPOSITORIES: Resource = {
  group: IMAGE_REPOSITORY.group,
  version: IMAGE_REPOSITORY.versions[0]!,
  plural: IMAGE_REPOSITORY.plural,
  kind: IMAGE_REPOSITORY.kind,
  namespaced: true,
};

describe('two relays of the installed chart', {
  ...needs('kube-apiserver', 'etcd', 'helm', 'versitygw'),
  timeout: 240_000,
}, () => {
  let deployment: Deployment;
  let registry: SlowRegistry;
  let leader: Pod;
  let standby: Pod;

  before(async () => {
    [deployment, registry] = await Promise.all([deploy({ maxContainers: 10 }), startSlowRegistry()]);
    await deployment.functions.configure(deployment.functionName('image-repository'), {
      timeoutMs: DEPLOYED_TIMEOUT_MS,
    });
    await deployment.kube.create(NAMESPACES, {}, { metadata: { name: 'apps' } });
    // What a start finds goes out in whole batches: only so can this many be in flight at a time.
    await Promise.all(Array.from({ length: OBJECTS }, (_, n) => create(`o${n}`)));
    leader = await deployment.startPod();
    await leader.said('leading, epoch 1');
    standby = await deployment.startPod();
    await standby.said('standing by: ');
  });
  after(async () => {
    registry?.close();
    await deployment?.stop();
  });

  async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    while (!(await holds())) {
      assert.ok(performance.now() < end, `not ${what}\n${deployment.logs().slice(-4000)}`);
      await pause(50);
    }
  }

  const list = async () => {
    const { items } = await deployment.kube.list<ImageRepository>(REPOSITORIES, { namespace: 'apps' });
    return items;
  };
  const isReady = ({ status }: ImageRepository) =>
    findCondition(status?.conditions, 'Ready')?.status === 'True';
  const read = (name: string) =>
    deployment.kube.get<ImageRepository>(REPOSITORIES, {
      namespace: 'apps',
      name,
    }) as Promise<ImageRepository>;

  /** Has it scanned now. */
  const request = (name: string, token: string) =>
    deployment.kube.patch(
      REPOSITORIES,
      { namespace: 'apps', name },
      { metadata: { annotations: { [REQUEST_ANNOTATION]: token } } },
    );

  /** Objects that a relay has handed to a function. */
  async function runningIn(pod: Pod): Promise<number> {
    const metrics = await (await fetch(pod.metricsUrl)).text();
    const [, count] = /^controller_runtime_active_workers\{controller="imagerepository"\} (\d+)$/m.exec(
      metrics,
    )!;
    return Number(count);
  }

  async function create(name: string): Promise<void> {
    // Listings wait until the test answers, and a busy machine takes its time until then.
    const spec = {
      image: `${registry.host}/apps/${name}`,
      interval: '1h',
      timeout: '4m',
      insecure: true,
    };
    const body = {
      apiVersion: apiVersionOf(REPOSITORIES),
      kind: REPOSITORIES.kind,
      metadata: { name },
      spec,
    };
    await deployment.kube.create(REPOSITORIES, { namespace: 'apps' }, body);
  }

  test('a standby is ready, serves artifacts and calls no function', async () => {
    await until('ready', async () => (await fetch(`${standby.healthUrl}/readyz`)).status === 200);
    const missing = await fetch(`${standby.artifactUrl}/ocirepository/apps/none/latest.tar.gz`);
    assert.equal(missing.status, 404);
    assert.doesNotMatch(await (await fetch(standby.metricsUrl)).text(), /^longshore_batches_total/m);
  });

  test(`kill -9 with ${OBJECTS} objects in flight: the standby leads within 17 s and brings all of them to Ready`, async () => {
    // A registry host is asked for 32 listings at a time by a process; the others of its batch wait inside.
    await until('in flight', async () => (await runningIn(leader)) === OBJECTS);
    await until('asked', () => registry.waiting > 0);
    const killedAt = Date.now();
    await leader.kill();
    const gap = (await standby.said('leading, epoch 2')) - killedAt;
    assert.ok(gap <= 17_000, `${gap} ms without a leader`);
    assert.ok(gap > 1000, 'it did not wait for the Lease of a relay that might live');
    // Invocations of the dead leader still run, and overlap with those of the next one.
    registry.answer(['1.0.0']);
    await until('all Ready', async () => (await list()).every(isReady));
    assert.equal((await list()).length, OBJECTS);
  });

  test(`SIGTERM with ${OBJECTS} objects asked for: the standby leads within 3 s, all are scanned, the old leader ends with 0`, async () => {
    [leader, standby] = [standby, await deployment.startPod()];
    await standby.said('standing by: ');
    registry.hold();
    await Promise.all((await list()).map(({ metadata }) => request(metadata.name, 'all')));
    await until('in flight', async () => (await runningIn(leader)) > 0 && registry.waiting > 0);
    const stopped = leader.stop();
    // From the signal's arrival on: how long it takes to get there is not the relay's doing.
    const stoppingAt = await leader.said('stopping: finishing what goes on');
    const gap = (await standby.said('leading, epoch 3')) - stoppingAt;
    assert.ok(gap <= 3000, `${gap} ms without a leader`);
    // Consumers that do not know yet that it goes are still served.
    assert.equal((await fetch(`${leader.healthUrl}/readyz`)).status, 503);
    const missing = await fetch(`${leader.artifactUrl}/ocirepository/apps/none/latest.tar.gz`);
    assert.equal(missing.status, 404);
    registry.answer(['1.0.0', '1.1.0']);
    assert.equal(await stopped, 0);
    await until('all scanned', async () =>
      (await list()).every(({ status }) => status?.lastHandledReconcileAt === 'all'),
    );
  });

  test('an invocation that outlives its relay puts no older state over a newer one', async () => {
    [leader, standby] = [standby, await deployment.startPod()];
    await standby.said('standing by: ');
    registry.hold();
    await request('o0', 'first');
    await until('scanning', () => registry.waiting === 1);
    await leader.kill();
    await standby.said('leading, epoch 4');
    // The next leader runs the same object, while the run of the old one still waits for the registry.
    await until('scanning twice', () => registry.waiting === 2);
    const since = deployment.functions.invocations.length;
    registry.answerOne(1, ['2.0.0', '1.1.0', '1.0.0']);
    await until('newer', async () => (await read('o0')).status?.lastScanResult?.tagCount === 3);
    const newer = await read('o0');
    registry.answerOne(0, ['1.0.0']);
    /** What the relay of the third term has asked for, and did not live to hear. */
    const outlived = () =>
      deployment.functions.invocations
        .slice(since)
        .find(({ event }) => (JSON.parse(event) as { epoch: number }).epoch === 3);
    await until('both ended', () => outlived() !== undefined);
    assert.deepEqual((await read('o0')).status, newer.status);
    assert.match(JSON.stringify(outlived()!.answer), /\\"reason\\":\\"(Conflict|ReadOperationFailed)\\"/);
  });

  test('no right was missing, no secret was written', () => {
    assert.doesNotMatch(deployment.logs(), /forbidden|testtesttest|eyJ[\w-]{20}/);
  });
});
