/** Two kinds have one name: the relay keeps them apart in everything that it sends, counts and forgets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RELAY_KINDS } from '../../infra/relay/kinds.ts';
import { startRelay } from '../../infra/relay/relay.ts';
import { IMAGE_REPOSITORY } from '../../shared/api/image-repository.ts';
import { QUAY_IMAGE_REPOSITORY } from '../../shared/api/quay-image-repository.ts';
import { systemClock } from '../../shared/runtime/clock.ts';
import { type Batch, CONTRACT_VERSION } from '../../shared/runtime/contract.ts';
import { createLogger } from '../../shared/runtime/logger.ts';
import { kindText } from '../../shared/runtime/reconciler.ts';
import { RELEASE } from '../../shared/runtime/release.ts';
import { readSettings } from '../../shared/runtime/settings.ts';
import { eventually, newest } from '../e2e/objects.ts';
import { onEveryApiServer } from '../parts/api-servers.ts';

const FLUX = { ...newest(IMAGE_REPOSITORY), spec: { image: 'ghcr.io/org/app', interval: '1h' } };
const QUAY = { ...newest(QUAY_IMAGE_REPOSITORY), spec: {} };
const NAMES = ['same', 'b', 'c', 'd'];

onEveryApiServer((api) => {
  test('one name in both groups: batches, metrics, log lines and states of their own; Quay one batch at a time', async (t) => {
    const namespace = await api.createNamespace();
    const sent: [functionName: string, key: string][] = [];
    const inFlight = new Map<string, number>();
    const most = new Map<string, number>();
    const log: string[] = [];
    const release = Promise.withResolvers<void>();
    const relay = startRelay({
      kube: api.kube,
      transport: api.transport,
      kinds: RELAY_KINDS,
      target: {
        batchSize: 1,
        batchesPerSlot: 1,
        async send(functionName, batch: Batch) {
          inFlight.set(functionName, (inFlight.get(functionName) ?? 0) + 1);
          most.set(functionName, Math.max(most.get(functionName) ?? 0, inFlight.get(functionName)!));
          const [request] = batch.requests;
          const { group, kind, name } = request!;
          sent.push([functionName, `${kindText({ group, kind })} ${name}`]);
          await release.promise;
          inFlight.set(functionName, inFlight.get(functionName)! - 1);
          const outcome = { result: 'stalled', reason: 'Test', message: 'told to', durationMs: 1, events: 0 };
          return {
            contract: CONTRACT_VERSION,
            release: RELEASE,
            outcomes: [{ group, kind, namespace, name, ...outcome }],
          };
        },
      },
      access: () => ({ provider: 'kubeconfig' }),
      settings: readSettings('relay', [`--namespace=${namespace}`, `--cluster-id=${namespace}`], {}),
      clock: systemClock,
      random: Math.random,
      log: createLogger('info', (line) => log.push(line)),
    });
    t.after(() => relay.stop());
    for (const { spec, ...resource } of [FLUX, QUAY]) {
      for (const name of NAMES) {
        const apiVersion = `${resource.group}/${resource.version}`;
        const body = { apiVersion, kind: resource.kind, metadata: { name }, spec };
        await api.kube.create(resource, { namespace }, body);
      }
    }
    const waiting = (controller: number) => relay.state()[controller]!;
    const [flux, quay] = [FLUX, QUAY].map(({ group, kind }) =>
      RELAY_KINDS.findIndex((each) => each.group === group && each.kind === kind),
    ) as [number, number];
    await eventually(
      () => waiting(flux).running === 4 && waiting(quay).running === 1 && waiting(quay).waiting === 3,
      () => JSON.stringify(relay.state()),
    );
    release.resolve();
    await eventually(
      () => sent.length === 8 && [flux, quay].every((each) => waiting(each).running === 0),
      () => JSON.stringify([sent, relay.state()]),
    );
    assert.equal(most.get('quay-repository'), 1);
    assert.ok(most.get('image-repository')! > 1);
    for (const [functionName, key] of sent) {
      assert.equal(functionName, key.startsWith(FLUX.group) ? 'image-repository' : 'quay-repository', key);
    }

    const metrics = (await Array.fromAsync(relay.metrics())).join('');
    for (const { group } of [FLUX, QUAY]) {
      const labels = `kind="ImageRepository",name="same",namespace="${namespace}",group="${group}"`;
      assert.ok(metrics.includes(`gotk_reconcile_duration_seconds_count{${labels}} 1`), group);
    }
    for (const controller of ['imagerepository', 'quay-imagerepository']) {
      assert.ok(
        metrics.includes(`controller_runtime_reconcile_total{controller="${controller}",result="error"} 4`),
      );
    }
    const groups = log
      .map((line) => JSON.parse(line) as { name?: string; controllerGroup?: string; error?: string })
      .filter(({ name, error }) => name === 'same' && error === 'Test')
      .map(({ controllerGroup }) => controllerGroup);
    assert.deepEqual(groups.sort(), [QUAY.group, FLUX.group].sort());

    // One goes: the other stays known, under its own key.
    await api.kube.delete(QUAY, { namespace, name: 'same' });
    await eventually(
      () => waiting(quay).objects === 3,
      () => JSON.stringify(relay.state()),
    );
    assert.equal(waiting(flux).objects, 4);
    const after = (await Array.fromAsync(relay.metrics())).join('');
    assert.ok(after.includes(`name="same",namespace="${namespace}",group="${FLUX.group}"`));
    assert.ok(!after.includes(`name="same",namespace="${namespace}",group="${QUAY.group}"`));
  });
});
