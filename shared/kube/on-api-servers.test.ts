/** Everything in this folder that speaks to an API server, against those that we serve. */
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { onEveryApiServer } from '../../test/parts/api-servers.ts';
import { IMAGE_REPOSITORY, type ImageRepository } from '../api/image-repository.ts';
import { systemClock } from '../runtime/clock.ts';
import { RunSecrets } from '../runtime/redact.ts';
import { findCondition, setCondition, succeeded } from './conditions.ts';
import { resolveResource } from './discovery.ts';
import { isAlreadyExists, isConflict, isNotFound, KubeError } from './errors.ts';
import { recordEvent } from './events.ts';
import { addFinalizer, removeFinalizer } from './finalizer.ts';
import { loadKubeconfig } from './kubeconfig.ts';
import { EVENTS, type KubeObject, type Resource, SECRETS, SERVICE_ACCOUNTS } from './resource.ts';
import { createKubeClient } from './rest-client.ts';
import { createSecretReader } from './secret-reader.ts';
import { patchStatus } from './status-patch.ts';
import { mintToken } from './token-access.ts';
import { createTransport } from './transport.ts';

const NEVER = new AbortController().signal;
const REPOSITORIES: Resource = { ...IMAGE_REPOSITORY, version: 'v1', namespaced: true };

onEveryApiServer((api) => {
  let namespace: string;
  beforeEach(async () => {
    namespace = await api.createNamespace();
  });

  const createRepository = (name: string, spec: object = {}) =>
    api.kube.create<ImageRepository>(
      REPOSITORIES,
      { namespace },
      {
        apiVersion: 'image.toolkit.fluxcd.io/v1',
        kind: 'ImageRepository',
        metadata: { name },
        spec: { image: 'ghcr.io/org/app', interval: '5m', ...spec },
      },
    );
  const createSecret = (name: string, data = { token: 'canary-42' }) =>
    api.kube.create<KubeObject>(SECRETS, { namespace }, { metadata: { name }, stringData: data });

  describe('client', () => {
    test('create, get, patch, delete', async () => {
      const created = await createRepository('app');
      assert.equal(created.metadata.generation, 1);
      const ref = { namespace, name: 'app' };
      assert.deepEqual(await api.kube.get(REPOSITORIES, ref), created);
      const patched = await api.kube.patch<ImageRepository>(REPOSITORIES, ref, { spec: { interval: '10m' } });
      assert.equal(patched.metadata.generation, 2);
      assert.equal(patched.spec.interval, '10m');
      await api.kube.delete(REPOSITORIES, ref);
      assert.equal(await api.kube.get(REPOSITORIES, ref), undefined);
      await api.kube.delete(REPOSITORIES, ref);
    });

    test('writes carry the field manager longshore (decisions 6)', async () => {
      const { metadata } = await createRepository('app');
      const { managedFields } = metadata as { managedFields?: { manager: string }[] };
      assert.deepEqual(
        managedFields?.map(({ manager }) => manager),
        ['longshore'],
      );
    });

    test('a list in pages', async () => {
      for (const name of ['a', 'b', 'c']) await createRepository(name);
      const first = await api.kube.list<ImageRepository>(REPOSITORIES, { namespace, limit: 2 });
      const second = await api.kube.list<ImageRepository>(REPOSITORIES, {
        namespace,
        limit: 2,
        continue: first.continue,
      });
      assert.deepEqual(
        [first, second].map(({ items }) => items.map(({ metadata }) => metadata.name)),
        [['a', 'b'], ['c']],
      );
      assert.equal(second.continue, undefined);
      assert.ok(Number(first.resourceVersion) > 0);
    });

    test('a list by label', async () => {
      await createRepository('a');
      await api.kube.patch(REPOSITORIES, { namespace, name: 'a' }, { metadata: { labels: { team: 'x' } } });
      await createRepository('b');
      const { items } = await api.kube.list<KubeObject>(REPOSITORIES, {
        namespace,
        labelSelector: 'team in (x,y)',
      });
      assert.deepEqual(
        items.map(({ metadata }) => metadata.name),
        ['a'],
      );
    });

    test('refusals tell verb, object and cause', async () => {
      await createRepository('app');
      const ref = { namespace, name: 'app' };
      await assert.rejects(createRepository('app'), isAlreadyExists);
      const stale = { metadata: { resourceVersion: '1' }, spec: { suspend: true } };
      await assert.rejects(api.kube.patch(REPOSITORIES, ref, stale), isConflict);
      await assert.rejects(api.kube.patch(REPOSITORIES, { namespace, name: 'none' }, {}), isNotFound);
      await assert.rejects(api.kube.delete(REPOSITORIES, ref, { uid: 'of-another' }), isConflict);
      await assert.rejects(createRepository('bad', { interval: '-1m' }), (error) => {
        assert.ok(error instanceof KubeError && error.status === 422 && error.reason === 'Invalid');
        assert.match(error.message, new RegExp(`^create imagerepositories ${namespace}: .*spec\\.interval`));
        return true;
      });
    });

    test('a version or kind that is not served is told from an object that is missing (IR-API-2)', async () => {
      const ref = { namespace, name: 'app' };
      await assert.rejects(api.kube.get({ ...REPOSITORIES, version: 'v9' }, ref), isNotFound);
      await assert.rejects(api.kube.get({ ...REPOSITORIES, plural: 'nothings' }, ref), isNotFound);
      assert.equal(await api.kube.getPath('/apis/nothing.example.com/v1'), undefined);
    });

    test('a watch is a stream of lines, and ends with its signal', async () => {
      const { resourceVersion } = await api.kube.list(REPOSITORIES, { namespace });
      const controller = new AbortController();
      const path = `/apis/image.toolkit.fluxcd.io/v1/namespaces/${namespace}/imagerepositories`;
      const query = { watch: true, resourceVersion };
      const { status, body } = await api.transport.open({ path, query }, controller.signal);
      assert.equal(status, 200);
      const firstLine = (async () => {
        for await (const chunk of body)
          return JSON.parse(String(chunk)) as { type: string; object: KubeObject };
        return undefined;
      })();
      await createRepository('app');
      const event = await firstLine;
      assert.deepEqual([event?.type, event?.object.metadata.name], ['ADDED', 'app']);
      controller.abort();
    });
  });

  test('discovery: the newest version, where it is served', async () => {
    const found = await resolveResource(api.kube, namespace, IMAGE_REPOSITORY, NEVER);
    const { group, kind, plural } = IMAGE_REPOSITORY;
    assert.deepEqual(found, { group, version: 'v1', plural, kind, namespaced: true });
    const strange = { ...IMAGE_REPOSITORY, versions: ['v9', 'v1beta2'] };
    assert.equal((await resolveResource(api.kube, `${namespace}-2`, strange, NEVER)).version, 'v1beta2');
    const nothing = { ...IMAGE_REPOSITORY, plural: 'nothings' };
    await assert.rejects(resolveResource(api.kube, namespace, nothing, NEVER), /does not serve nothings/);
  });

  test('a status patch changes the status alone, and nothing of others', async () => {
    const object = await createRepository('app');
    const { name } = object.metadata;
    const now = Date.parse('2026-01-05T10:00:00Z');
    const words = { reason: 'Succeeded', message: 'fine', generation: 1 };
    const status = { ...object.status, observedGeneration: 1, conditions: succeeded([], words, now) };
    const request = { kube: api.kube, resource: REPOSITORIES, object, status };
    const written = await patchStatus(request, NEVER);
    assert.equal(written?.metadata.generation, 1);
    assert.deepEqual(written?.status, status);
    const same = await patchStatus({ ...request, object: written! }, NEVER);
    assert.equal(same, written);

    const foreign = { type: 'Paused', status: 'True', reason: 'Ops', message: 'by hand' } as const;
    const conditions = setCondition(written!.status!.conditions, foreign, now);
    await api.kube.patch(
      REPOSITORIES,
      { namespace, name, subresource: 'status' },
      { status: { conditions } },
    );
    const next = {
      ...written!.status,
      lastHandledReconcileAt: 't1',
      conditions: succeeded(written!.status!.conditions, { ...words, message: 'better' }, now),
    };
    const rebased = await patchStatus({ ...request, object: written!, status: next }, NEVER);
    assert.equal(rebased?.status?.lastHandledReconcileAt, 't1');
    assert.equal(findCondition(rebased?.status?.conditions, 'Ready')?.message, 'better');
    assert.equal(findCondition(rebased?.status?.conditions, 'Paused')?.message, 'by hand');

    await api.kube.delete(REPOSITORIES, { namespace, name });
    const late = {
      ...request,
      object: rebased!,
      status: { ...rebased!.status, lastHandledReconcileAt: 't2' },
    };
    assert.equal(await patchStatus(late, NEVER), undefined);
  });

  test('a finalizer holds a deleted object until it is removed', async () => {
    const object = await createRepository('app');
    const { name } = object.metadata;
    const held = await addFinalizer(api.kube, REPOSITORIES, object, IMAGE_REPOSITORY.finalizer, NEVER);
    assert.deepEqual(held.metadata.finalizers, [IMAGE_REPOSITORY.finalizer]);
    assert.deepEqual(held.spec, object.spec);
    await api.kube.delete(REPOSITORIES, { namespace, name });
    const marked = await api.kube.get<ImageRepository>(REPOSITORIES, { namespace, name });
    assert.ok(marked?.metadata.deletionTimestamp);
    await removeFinalizer(api.kube, REPOSITORIES, held, IMAGE_REPOSITORY.finalizer, NEVER);
    assert.equal(await api.kube.get(REPOSITORIES, { namespace, name }), undefined);
    assert.equal(
      await removeFinalizer(api.kube, REPOSITORIES, held, IMAGE_REPOSITORY.finalizer, NEVER),
      undefined,
    );
  });

  test('equal events of functions that share no memory are one event (decisions 7)', async () => {
    const object = await createRepository('app');
    const start = Date.now();
    const event = {
      object,
      type: 'Warning',
      reason: 'ReadOperationFailed',
      message: 'scan failed: no',
      component: 'image-reflector-controller',
    } as const;
    for (const minute of [0, 2, 4]) {
      const kube = createKubeClient(api.transport);
      const clock = { ...systemClock, now: () => start + minute * 60_000 };
      assert.equal(await recordEvent({ ...event, kube, clock }, NEVER), true);
      assert.equal(await recordEvent({ ...event, kube, clock }, NEVER), false);
    }
    const { items } = await api.kube.list<{
      count: number;
      source: object;
      reportingComponent: string;
      involvedObject: { kind: string; uid: string };
    }>(EVENTS, { namespace, fieldSelector: 'involvedObject.name=app' });
    assert.equal(items.length, 1);
    const [stored] = items;
    assert.equal(stored?.count, 3);
    assert.deepEqual(stored?.source, { component: 'image-reflector-controller' });
    assert.equal(stored?.reportingComponent, 'longshore');
    assert.deepEqual(
      [stored?.involvedObject.kind, stored?.involvedObject.uid],
      ['ImageRepository', object.metadata.uid],
    );
  });

  test('Secrets and service accounts are read by name', async () => {
    await createSecret('regcred');
    const account = { metadata: { name: 'robot' }, imagePullSecrets: [{ name: 'regcred' }] };
    await api.kube.create(SERVICE_ACCOUNTS, { namespace }, account);
    const reader = createSecretReader({ kube: api.kube, namespace, secrets: new RunSecrets() });
    const { type, data } = await reader.secret('regcred', NEVER);
    assert.equal(type, 'Opaque');
    assert.equal(data.token?.toString(), 'canary-42');
    assert.deepEqual((await reader.serviceAccount('robot', NEVER)).imagePullSecrets, ['regcred']);
    await assert.rejects(reader.secret('none', NEVER), { message: `secret '${namespace}/none' not found` });
  });

  describe('access', () => {
    test('a minted token is a way in; a wrong one is not, and is renewed when there is a source', async () => {
      await api.kube.create(SERVICE_ACCOUNTS, { namespace }, { metadata: { name: 'functions' } });
      const request = { namespace, serviceAccount: 'functions', seconds: 600 };
      const { token, expiresAt } = await mintToken(api.kube, request, NEVER);
      assert.ok(Math.abs(expiresAt - Date.now() - 600_000) < 60_000);

      const { server, ca } = api.endpoint;
      const versionWith = async (given: string | (() => Promise<string>)) => {
        const transport = createTransport({ server, ca, token: given });
        try {
          return await createKubeClient(transport).getPath<{ gitVersion: string }>('/version');
        } finally {
          transport.close();
        }
      };
      assert.match((await versionWith(token))!.gitVersion, /^v1\./);
      await assert.rejects(versionWith('canary-token'), (error) => {
        assert.ok(error instanceof KubeError && error.status === 401);
        assert.doesNotMatch(error.message, /canary/);
        return true;
      });
      let asked = 0;
      assert.ok(await versionWith(async () => (asked++ === 0 ? 'canary-token' : token)));
      assert.equal(asked, 2);

      const missing = mintToken(api.kube, { ...request, serviceAccount: 'none' }, NEVER);
      await assert.rejects(missing, isNotFound);
    });

    test('the kubeconfig of the server', async () => {
      const transport = createTransport(await loadKubeconfig({ file: api.kubeconfig }));
      const { items } = await createKubeClient(transport).list(SECRETS, { namespace });
      assert.deepEqual(items, []);
      transport.close();
    });
  });
});
