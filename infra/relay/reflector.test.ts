import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { KubeError } from '../../shared/kube/errors.ts';
import type { KubeObject, Resource } from '../../shared/kube/resource.ts';
import { createKubeClient } from '../../shared/kube/rest-client.ts';
import { createTransport } from '../../shared/kube/transport.ts';
import { type Logger, silentLogger } from '../../shared/runtime/logger.ts';
import { createManualClock } from '../../shared/runtime/manual-clock.ts';
import { createReflector, type ReflectorOptions } from './reflector.ts';
import { startTestApi, testObject } from './test-api.ts';

const RESOURCE: Resource = {
  group: 'image.toolkit.fluxcd.io',
  version: 'v1',
  plural: 'imagerepositories',
  kind: 'ImageRepository',
  namespaced: true,
};

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A reflector on a test API, with what its sink has seen as texts. `random` is 0.5. */
async function setUp(objects: KubeObject[], options: Partial<ReflectorOptions> = {}) {
  const clock = createManualClock();
  const api = await startTestApi();
  api.objects = objects;
  const transport = createTransport({ server: api.url });
  const seen: string[] = [];
  const known = new Map<string, string>();
  const stop = new AbortController();
  const news: (() => void)[] = [];
  const note = (text: string) => {
    seen.push(text);
    for (const wake of news.splice(0)) wake();
  };
  const reflector = createReflector({
    kube: createKubeClient(transport),
    transport,
    name: 'imagerepositories',
    resolve: async () => RESOURCE,
    forget: () => note('forget'),
    namespace: '',
    labelSelector: '',
    clock,
    random: () => 0.5,
    log: silentLogger,
    sink: {
      seen(object, firstList) {
        const key = `${object.metadata.namespace}/${object.metadata.name}`;
        known.set(key, object.metadata.uid);
        note(`${firstList ? 'start' : 'seen'} ${key} ${object.metadata.resourceVersion}`);
        return key;
      },
      gone(object) {
        known.delete(`${object.metadata.namespace}/${object.metadata.name}`);
        note(`gone ${object.metadata.name}`);
      },
      keepOnly(keys) {
        for (const key of known.keys()) if (!keys.has(key)) note(`lost ${key}`);
        note('listed');
      },
    },
    ...options,
    onRestart: (cause) => note(`restart ${cause}`),
  });
  const running = reflector.run(stop.signal);
  cleanups.push(async () => {
    stop.abort(new Error('test over'));
    await running;
    transport.close();
    await api.close();
  });
  /** Resolves when the sink has seen the text. */
  const until = async (text: string) => {
    while (!seen.includes(text)) await new Promise<void>((resolve) => news.push(resolve));
  };
  /** Moves the clock on until a watch is there: the number of retries on the way is up to the reflector. */
  const watchAfter = async (n: number, ms: number) => {
    const found = api.watch(n);
    let arrived = false;
    void found.then(() => {
      arrived = true;
    });
    while (!arrived) {
      clock.advance(ms);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return found;
  };
  return { api, clock, reflector, seen, until, watchAfter, stop, running };
}

describe('reflector', () => {
  test('lists in pages of 500, then watches from there with bookmarks and a time-out of 5 to 10 minutes', async () => {
    const objects = Array.from({ length: 1001 }, (_, n) => testObject(`o${n}`));
    const { api, seen, reflector } = await setUp(objects, { labelSelector: 'team=a', namespace: 'apps' });
    assert.equal(reflector.synced, false);
    const watch = await api.watch(1);
    assert.equal(reflector.synced, true);
    assert.deepEqual(
      api.lists.map((query) => [query.get('limit'), query.get('continue'), query.get('labelSelector')]),
      [
        ['500', null, 'team=a'],
        ['500', '500', 'team=a'],
        ['500', '1000', 'team=a'],
      ],
    );
    assert.equal(seen.filter((text) => text.startsWith('start ')).length, 1001);
    assert.equal(watch.path, '/apis/image.toolkit.fluxcd.io/v1/namespaces/apps/imagerepositories');
    assert.deepEqual(Object.fromEntries(watch.query), {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: '100',
      timeoutSeconds: '450',
      labelSelector: 'team=a',
    });
  });

  test('hands over what is added, modified and deleted, also when lines come in pieces', async () => {
    const { api, until } = await setUp([]);
    const watch = await api.watch(1);
    const event = { type: 'ADDED', object: testObject('ä', { version: '101' }) };
    const bytes = Buffer.from(`${JSON.stringify(event)}\n`);
    const insideLetter = bytes.indexOf(Buffer.from('ä')) + 1;
    watch.send(bytes.subarray(0, 10));
    await settle();
    watch.send(bytes.subarray(10, insideLetter));
    await settle();
    watch.send(bytes.subarray(insideLetter));
    watch.send({ type: 'MODIFIED', object: testObject('ä', { version: '102' }) });
    watch.send({ type: 'DELETED', object: testObject('ä', { version: '103' }) });
    await until('seen apps/ä 101');
    await until('seen apps/ä 102');
    await until('gone ä');
  });

  test('resumes from the last bookmark when the server ends the watch', async () => {
    const { api, clock, until } = await setUp([]);
    const first = await api.watch(1);
    first.send({ type: 'ADDED', object: testObject('a', { version: '105' }) });
    first.send({
      type: 'BOOKMARK',
      object: { kind: 'ImageRepository', metadata: { resourceVersion: '150' } },
    });
    await until('seen apps/a 105');
    clock.advance(5000);
    first.end();
    const second = await api.watch(2);
    assert.equal(second.query.get('resourceVersion'), '150');
    assert.equal(api.lists.length, 1);
  });

  test('resumes after a cut connection, with a pause', async () => {
    const { api, watchAfter, until } = await setUp([]);
    const first = await api.watch(1);
    first.send({ type: 'ADDED', object: testObject('a', { version: '105' }) });
    await until('seen apps/a 105');
    first.cut();
    await until('restart error');
    assert.equal(api.watches.length, 1);
    assert.equal((await watchAfter(2, 100)).query.get('resourceVersion'), '105');
    assert.equal(api.lists.length, 1);
  });

  for (const how of ['as a status', 'in the stream'] as const) {
    test(`410 ${how}: lists again and finds what was deleted meanwhile`, async () => {
      const { api, clock, until, watchAfter } = await setUp([testObject('a'), testObject('b')]);
      const first = await api.watch(1);
      api.objects = [testObject('b'), testObject('c')];
      api.resourceVersion = '200';
      const object = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' };
      if (how === 'in the stream') first.send({ type: 'ERROR', object });
      else {
        api.refusals.watch = [[410, object]];
        clock.advance(5000);
        first.end();
      }
      await until('restart expired');
      const second = await watchAfter(2, 100);
      await until('lost apps/a');
      await until('seen apps/c 1');
      assert.equal(second.query.get('resourceVersion'), '200');
    });
  }

  for (const [what, bytes] of [
    ['a half-written line', '{"type":"ADDED","obj'],
    ['a line that is no JSON', 'oops\n'],
    ['a line that is no event', '{"kind":"Status"}\n'],
  ] as const) {
    test(`${what}: lists again`, async () => {
      const { api, clock, until, watchAfter } = await setUp([]);
      const first = await api.watch(1);
      clock.advance(5000);
      first.send(bytes);
      first.end();
      await until('restart broken');
      await watchAfter(2, 100);
      assert.equal(api.lists.length, 2);
    });
  }

  test('120 s of silence: reconnects where it was', async () => {
    const { api, clock, until } = await setUp([]);
    await api.watch(1);
    await until('listed');
    await settle();
    clock.advance(119_999);
    assert.equal(api.watches.length, 1);
    clock.advance(1);
    const second = await api.watch(2);
    assert.equal(second.query.get('resourceVersion'), '100');
  });

  test('is live while the watch speaks, and not when the API server was silent for two minutes', async () => {
    const { api, clock, reflector, until } = await setUp([]);
    assert.equal(reflector.live(), false);
    const first = await api.watch(1);
    clock.advance(100_000);
    first.send({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '150' } } });
    first.send({ type: 'ADDED', object: testObject('a', { version: '151' }) });
    await until('seen apps/a 151');
    clock.advance(100_000);
    assert.equal(reflector.live(), true);
    api.refusals.watch = Array.from({ length: 100 }, () => [500]);
    first.cut();
    await until('restart error');
    clock.advance(30_000);
    assert.equal(reflector.live(), false);
  });

  test('goes on for ever: waits double from 0.8 s to 30 s', async () => {
    const { api, clock, seen } = await setUp([]);
    const first = await api.watch(1);
    clock.advance(5000);
    api.refusals.watch = Array.from({ length: 9 }, () => [500]);
    first.end();
    const waits: number[] = [];
    for (let n = 1; n <= 9; n++) {
      while (seen.filter((text) => text === 'restart error').length < n) await settle();
      const from = clock.now();
      const left = api.refusals.watch!.length;
      const before = api.watches.length;
      while (api.refusals.watch!.length === left && api.watches.length === before) {
        clock.advance(100);
        await settle();
      }
      waits.push(clock.now() - from);
    }
    await api.watch(2);
    // 0.75 of 0.8 s · 2ⁿ with a random of 0.5, to the next tenth of a second.
    assert.deepEqual(waits, [600, 1200, 2400, 4800, 9600, 19_200, 22_500, 22_500, 22_500]);
  });

  test('a kind that is not served yet: waits for its CRD and says so once', async () => {
    const lines: string[] = [];
    const log: Logger = {
      ...silentLogger,
      info: (line) => lines.push(line),
      error: (line) => lines.push(line),
    };
    let served = false;
    const { clock, reflector, api, seen } = await setUp([testObject('a')], {
      log,
      resolve: async () => {
        if (!served) throw new KubeError('no such kind', { status: 404 });
        return RESOURCE;
      },
    });
    while (seen.filter((text) => text === 'forget').length < 3) {
      clock.advance(1000);
      await settle();
    }
    assert.deepEqual([reflector.synced, reflector.live()], [true, true]);
    served = true;
    while (api.watches.length === 0) {
      clock.advance(1000);
      await settle();
    }
    assert.deepEqual(lines, [
      'imagerepositories: the cluster does not serve this kind yet: are the CRDs installed?',
      'imagerepositories: the cluster serves this kind now, as v1',
    ]);
    assert.ok(seen.includes('start apps/a 1'));
  });

  test('a watch that ends as soon as it began is a failure, not a loop', async () => {
    const { api, until } = await setUp([]);
    (await api.watch(1)).end();
    await until('restart error');
    assert.equal(api.watches.length, 1);
  });

  test('stops at once, in the middle of a watch', async () => {
    const { api, stop, running } = await setUp([]);
    await api.watch(1);
    stop.abort(new Error('stop'));
    await running;
  });
});

/** Lets sockets and promises have their turn. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
