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

const REPOSITORIES: Resource = {
  group: IMAGE_REPOSITORY.group,
  version: IMAGE_REPOSITORY.versions[0]!,
  plural: IMAGE_REPOSITORY.plural,
  kind: IMAGE_REPOSITORY.kind,
  namespaced: true,
};

describe('two relays of the installed chart', {
  ...needs('kube-apiserver', 'etcd', 'helm', 'versitygw'),
  timeout: 200_000,
}, () => {
  let deployment: Deployment;
  let registry: SlowRegistry;
  let leader: Pod;
  let standby: Pod;

  before(async () => {
    [deployment, registry] = await Promise.all([deploy({ maxContainers: 10 }), startSlowRegistry()]);
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

  async function create(name: string): Promise<void> {
    const spec = { image: `${registry.host}/apps/${name}`, interval: '1h', insecure: true };
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
    await until('in flight', async () => {
      const metrics = await (await fetch(leader.metricsUrl)).text();
      return new RegExp(
        `^controller_runtime_active_workers\\{controller="imagerepository"\\} ${OBJECTS}$`,
        'm',
      ).test(metrics);
    });
    await until('asked', () => registry.waiting > 0);
    const killedAt = performance.now();
    await leader.kill();
    const leadsAt = await standby.said('leading, epoch 2');
    const gap = leadsAt - killedAt;
    assert.ok(gap <= 17_000, `${Math.round(gap)} ms without a leader`);
    assert.ok(gap > 1000, 'it did not wait for the Lease of a relay that might live');
    // Invocations of the dead leader still run, and overlap with those of the next one.
    registry.answer(['1.0.0']);
    await until('all Ready', async () => (await list()).every(isReady));
    assert.equal((await list()).length, OBJECTS);
  });

  test('SIGTERM: the standby leads within 3 s, and the old leader ends with 0', async () => {
    [leader, standby] = [standby, await deployment.startPod()];
    await standby.said('standing by: ');
    const stoppedAt = performance.now();
    const stopped = leader.stop();
    const gap = (await standby.said('leading, epoch 3')) - stoppedAt;
    assert.ok(gap <= 3000, `${Math.round(gap)} ms without a leader`);
    // Consumers that do not know yet that it goes are still served.
    assert.equal((await fetch(`${leader.healthUrl}/readyz`)).status, 503);
    const missing = await fetch(`${leader.artifactUrl}/ocirepository/apps/none/latest.tar.gz`);
    assert.equal(missing.status, 404);
    assert.equal(await stopped, 0);
  });

  test('an invocation that outlives its relay puts no older state over a newer one', async () => {
    [leader, standby] = [standby, await deployment.startPod()];
    await standby.said('standing by: ');
    registry.hold();
    await deployment.kube.patch(
      REPOSITORIES,
      { namespace: 'apps', name: 'o0' },
      { metadata: { annotations: { [REQUEST_ANNOTATION]: 'first' } } },
    );
    await until('scanning', () => registry.waiting === 1);
    await leader.kill();
    await standby.said('leading, epoch 4');
    // The next leader runs the same object, while the run of the old one still waits for the registry.
    await until('scanning twice', () => registry.waiting === 2);
    registry.answerOne(1, ['2.0.0', '1.0.0']);
    await until('newer', async () => (await read('o0')).status?.lastScanResult?.tagCount === 2);
    const newer = await read('o0');
    const ended = deployment.functions.invocations.length;
    registry.answerOne(0, ['1.0.0']);
    await until('both ended', () => deployment.functions.invocations.length > ended);
    assert.deepEqual((await read('o0')).status, newer.status);
    const last = deployment.functions.invocations.at(-1)!.answer as { payload: string };
    assert.match(last.payload, /"reason":"(Conflict|ReadOperationFailed)"/);
  });

  test('no right was missing, no secret was written', () => {
    assert.doesNotMatch(deployment.logs(), /forbidden|testtesttest|eyJ[\w-]{20}/);
  });
});
