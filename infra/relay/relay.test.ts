import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { forgetResource } from '../../shared/kube/discovery.ts';
import type { KubeObject } from '../../shared/kube/resource.ts';
import { createKubeClient } from '../../shared/kube/rest-client.ts';
import { createTransport } from '../../shared/kube/transport.ts';
import type { Batch, Outcome } from '../../shared/runtime/contract.ts';
import { CONTRACT_VERSION } from '../../shared/runtime/contract.ts';
import { silentLogger } from '../../shared/runtime/logger.ts';
import { createManualClock, type ManualClock } from '../../shared/runtime/manual-clock.ts';
import { RELEASE } from '../../shared/runtime/release.ts';
import { readSettings } from '../../shared/runtime/settings.ts';
import { createInProcessTarget } from './dispatch-in-process.ts';
import { NAMESPACE } from './foreign-kinds.ts';
import { RELAY_KINDS, type RelayKind } from './kinds.ts';
import { type RelayOptions, startRelay } from './relay.ts';
import { startTestApi, type TestApi, testObject } from './test-api.ts';

const KIND = RELAY_KINDS[0]!;

/** Two made-up kinds: a reader reads the book that its image names. */
const BOOK: RelayKind = { ...KIND, kind: 'Book', plural: 'books', controller: 'book', functionName: 'book' };
const READER: RelayKind = {
  ...KIND,
  kind: 'Reader',
  plural: 'readers',
  controller: 'reader',
  functionName: 'reader',
  dependsOn: (object) => [
    { group: BOOK.group, kind: 'Book', namespace: 'apps', name: (object.spec as { image: string }).image },
  ],
};

const cleanups: (() => unknown)[] = [];
beforeEach(() => {
  for (const kind of [KIND, BOOK, READER, NAMESPACE]) forgetResource('default', kind);
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const LEASE = { namespace: 'longshore-system', name: 'longshore-relay' };

/** What a second relay shares with the first. */
interface Surroundings {
  clock: ManualClock;
  api: TestApi;
}

type Answer = (name: string) => Partial<Outcome> | Promise<Partial<Outcome>>;

/** A relay over a test API whose function notes every run as `name trigger` and answers what `answer` says. */
async function setUp(
  objects: KubeObject[],
  options: Partial<RelayOptions> & {
    answer?: Answer;
    args?: string[];
    beside?: Surroundings;
    /** Under this name it stands for election. */
    identity?: string;
  } = {},
) {
  const clock = options.beside?.clock ?? createManualClock(Date.now());
  const api = options.beside?.api ?? (await startTestApi());
  if (!options.beside) api.objects = objects;
  const transport = createTransport({ server: api.url });
  const runs: string[] = [];
  const epochs = new Set<number>();
  const news: (() => void)[] = [];
  const handler = async (event: unknown) => {
    const { requests, epoch } = event as Batch;
    const outcomes = [];
    for (const { group, kind, namespace, name, trigger } of requests) {
      runs.push(`${name} ${trigger}`);
      epochs.add(epoch);
      for (const wake of news.splice(0)) wake();
      const result = (await options.answer?.(name)) ?? { result: 'ok' };
      outcomes.push({ group, kind, namespace, name, durationMs: 1, events: 0, ...result } as Outcome);
    }
    return { contract: CONTRACT_VERSION, release: RELEASE, outcomes } as const;
  };
  const kinds = options.kinds ?? [KIND];
  const relay = startRelay({
    transport,
    kube: createKubeClient(transport),
    kinds,
    target: createInProcessTarget({
      handlers: new Map(kinds.map(({ functionName }) => [functionName, handler])),
      concurrent: 16,
      clock,
    }),
    access: () => ({ provider: 'kubeconfig' }),
    settings: readSettings('relay', options.args ?? [], {}),
    clock,
    random: () => 0.5,
    log: silentLogger,
    ...options,
    ...(options.identity && { election: { lease: LEASE, identity: options.identity, uptime: clock.now } }),
  });
  cleanups.push(async () => {
    await relay.stop();
    transport.close();
    if (!options.beside) await api.close();
  });
  const ran = async (text: string) => {
    while (!runs.includes(text)) await new Promise<void>((resolve) => news.push(resolve));
  };
  return { api, clock, relay, runs, epochs, ran };
}

/** Lets sockets and promises have their turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('relay', () => {
  test('an object that appears runs, its edit runs, a status write does not', async () => {
    const { api, relay, runs, ran } = await setUp([]);
    const watch = await api.watch(1);
    watch.send({ type: 'ADDED', object: testObject('a', { observed: -1, ready: 'Unknown' }) });
    await ran('a change');
    watch.send({ type: 'MODIFIED', object: testObject('a', { version: '2' }) });
    watch.send({ type: 'MODIFIED', object: testObject('a', { version: '3', requested: 'x' }) });
    await ran('a requested');
    watch.send({ type: 'MODIFIED', object: testObject('a', { version: '4', requested: 'x', handled: 'x' }) });
    watch.send({ type: 'ADDED', object: testObject('b', { version: '5' }) });
    await ran('b change');
    assert.deepEqual(runs, ['a change', 'a requested', 'b change']);
    assert.equal(relay.ready(), true);
  });

  test('a restart with settled objects asks no function, and is ready', async () => {
    const scanTime = new Date(Date.now() - 60_000).toISOString();
    const objects = Array.from({ length: 1000 }, (_, n) => testObject(`o${n}`, { scanTime }));
    const { api, relay, runs, clock } = await setUp(objects);
    assert.equal(relay.ready(), false);
    await api.watch(1);
    assert.equal(relay.ready(), true);
    clock.advance(2 * 60_000);
    await turn();
    assert.deepEqual(runs, []);
    const [state] = relay.state();
    assert.deepEqual([state?.objects, state?.scheduled, state?.waiting, state?.running], [1000, 1000, 0, 0]);
  });

  test('each namespace has its reflector, and the selector goes to the server', async () => {
    const { api, clock, ran } = await setUp(
      [
        testObject('a', { namespace: 'one', ready: 'False' }),
        testObject('b', { namespace: 'two', ready: 'False' }),
      ],
      { args: ['--namespace=one,two', '--watch-label-selector=team=x'] },
    );
    const watches = [await api.watch(1), await api.watch(2)];
    assert.deepEqual(watches.map(({ path }) => path.split('/')[5]).sort(), ['one', 'two']);
    assert.ok(watches.every(({ query }) => query.get('labelSelector') === 'team=x'));
    clock.advance(250);
    await Promise.all([ran('a resync'), ran('b resync')]);
  });

  test('a new result of one kind wakes those of another kind that refer to it', async () => {
    const book = { ...testObject('go'), kind: 'Book', spec: { interval: '5m' } };
    const reader = (name: string, image: string) => ({
      ...testObject(name),
      kind: 'Reader',
      spec: { image },
    });
    const { api, clock, runs, ran } = await setUp([book, reader('anna', 'go'), reader('ben', 'rust')], {
      kinds: [BOOK, READER],
      answer: (name) => (name === 'go' ? { result: 'ok', changed: 'sha256:2' } : { result: 'ok' }),
    });
    const watches = [await api.watch(1), await api.watch(2)];
    const books = watches.find(({ path }) => path.endsWith('/books'))!;
    books.send({
      type: 'MODIFIED',
      object: {
        ...book,
        metadata: { ...book.metadata, annotations: { 'reconcile.fluxcd.io/requestedAt': 'x' } },
      },
    });
    await ran('go requested');
    // The outcome is settled some turns after the run; only then its dependents gather.
    while (runs.length < 2) {
      await turn();
      clock.advance(250);
    }
    assert.deepEqual(runs, ['go requested', 'anna dependency']);
  });

  describe('a kind whose settled objects are checked at the start', () => {
    const CHECKED: RelayKind = { ...READER, checkedAtStart: true };
    const scanTime = (agoMs: number) => new Date(Date.now() - agoMs).toISOString();
    const book = (agoMs: number, more = {}) => ({
      ...testObject('go', { scanTime: scanTime(agoMs), ...more }),
      kind: 'Book',
    });
    const reader = (name: string, image = 'go', more = {}) => ({
      ...testObject(name, { scanTime: scanTime(1000), ...more }),
      kind: 'Reader',
      spec: { image },
    });
    /** Passes time until `count` runs were made. */
    const passUntil = async (clock: ManualClock, runs: string[], count: number) => {
      while (runs.length < count) {
        await turn();
        clock.advance(250);
      }
      for (let n = 0; n < 20; n++) {
        await turn();
        clock.advance(250);
      }
    };

    test('each runs once, also when what it depends on does not run', async () => {
      const { clock, runs } = await setUp([book(1000), reader('anna'), reader('ben', 'rust')], {
        kinds: [BOOK, CHECKED],
      });
      await passUntil(clock, runs, 2);
      assert.deepEqual(runs.toSorted(), ['anna resync', 'ben resync']);
    });

    test('those whose target is due come after it', async () => {
      const { promise: scanned, resolve: scan } = Promise.withResolvers<void>();
      const { api, clock, runs, ran } = await setUp(
        [book(6 * 60_000), reader('anna'), reader('ben', 'rust')],
        {
          kinds: [BOOK, CHECKED],
          answer: async (name) => {
            if (name === 'go') await scanned;
            return { result: 'ok' };
          },
        },
      );
      await Promise.all([api.watch(1), api.watch(2)]);
      await passUntil(clock, runs, 2);
      assert.deepEqual(runs.toSorted(), ['ben resync', 'go timer']);
      scan();
      await turn();
      await Promise.race([ran('anna resync'), passUntil(clock, runs, 3)]);
      assert.deepEqual(runs.slice(2), ['anna resync']);
    });

    test('one that ran for another reason is not run again; a suspended one never', async () => {
      const suspended = reader('carl');
      Object.assign(suspended.spec, { suspend: true });
      const { api, clock, runs } = await setUp([book(6 * 60_000), reader('anna'), suspended], {
        kinds: [BOOK, CHECKED],
        answer: (name) => (name === 'go' ? { result: 'ok', changed: 'sha256:2' } : { result: 'ok' }),
      });
      await Promise.all([api.watch(1), api.watch(2)]);
      await passUntil(clock, runs, 2);
      assert.deepEqual(runs, ['go timer', 'anna dependency']);
    });
  });

  test('an object that misses something of another one has it run, unless that one fails already', async () => {
    const book = (name: string) => ({ ...testObject(name), kind: 'Book' });
    const reader = (name: string, image: string) => ({
      ...testObject(name),
      kind: 'Reader',
      spec: { image },
    });
    const { api, clock, runs, ran } = await setUp([book('go'), book('torn'), reader('anna', 'go')], {
      kinds: [BOOK, READER],
      answer: (name) =>
        name === 'torn'
          ? { result: 'retry', reason: 'Torn', message: 'pages are missing', retryAfterMs: 3_600_000 }
          : { result: 'ok', ...(name !== 'go' && { awaits: true }) },
    });
    const watches = [await api.watch(1), await api.watch(2)];
    const [books, readers] = ['books', 'readers'].map(
      (plural) => watches.find(({ path }) => path.endsWith(`/${plural}`))!,
    );
    const ask = (watch: typeof books, object: KubeObject) =>
      watch!.send({
        type: 'MODIFIED',
        object: { ...object, metadata: { ...object.metadata, generation: 2 } },
      });
    ask(readers, reader('anna', 'go'));
    await ran('go dependency');
    ask(books, book('torn'));
    await ran('torn change');
    readers!.send({ type: 'ADDED', object: reader('ben', 'torn') });
    await ran('ben change');
    for (let n = 0; n < 20; n++) {
      await turn();
      clock.advance(250);
    }
    assert.deepEqual(runs, ['anna change', 'go dependency', 'torn change', 'ben change']);
  });

  test('what fails is repeated at once when something that it reads is well again; what is well is left alone', async () => {
    const object = (kind: string, name: string, more = {}) => ({
      ...testObject(name, more),
      kind,
      spec: { image: 'go' },
    });
    const failed = { result: 'retry', reason: 'Torn', message: 'pages are missing', retryAfterMs: 3_600_000 };
    const torn = new Set(['go', 'anna']);
    const { api, runs } = await setUp(
      [object('Book', 'go'), object('Reader', 'anna'), object('Reader', 'ben')],
      {
        kinds: [BOOK, READER],
        answer: (name) => (torn.has(name) ? (failed as Partial<Outcome>) : { result: 'ok' }),
      },
    );
    const watches = [await api.watch(1), await api.watch(2)];
    const request = (kind: string, name: string, requested: string) =>
      watches
        .find(({ path }) => path.endsWith(`/${kind.toLowerCase()}s`))!
        .send({ type: 'MODIFIED', object: object(kind, name, { requested }) });
    const ran = async (count: number) => {
      while (runs.length < count) await turn();
    };
    request('Reader', 'anna', '1');
    await ran(1);
    request('Book', 'go', '1');
    await ran(2);
    torn.clear();
    request('Book', 'go', '2');
    await ran(4);
    request('Book', 'go', '3');
    await ran(5);
    for (let n = 0; n < 20; n++) await turn();
    const readers = runs.filter((run) => !run.startsWith('go'));
    assert.deepEqual(readers, ['anna requested', 'anna requested'], 'with the reason that it is owed');
  });

  test('a kind of others: its metadata is watched, and a change of what ours read wakes them', async () => {
    const IN_NAMESPACE: RelayKind = {
      ...READER,
      dependsOn: () => [{ group: '', kind: 'Namespace', namespace: '', name: 'prod' }],
      reads: [NAMESPACE],
    };
    const prod = (labels: Record<string, string>, resourceVersion: string) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'prod', uid: 'p', resourceVersion, labels },
      spec: {},
    });
    const anna = { ...testObject('anna'), kind: 'Reader', spec: { image: 'go' } };
    const { api, runs, ran } = await setUp([prod({ team: 'a' }, '1'), anna], {
      kinds: [IN_NAMESPACE],
      args: ['--watch-label-selector=team=x'],
    });
    const watches = [await api.watch(1), await api.watch(2)];
    const namespaces = watches.find(({ path }) => path === '/api/v1/namespaces')!;
    assert.equal(namespaces.query.get('labelSelector') || '', '');
    assert.match(namespaces.accept, /as=PartialObjectMetadata;/);
    namespaces.send({ type: 'MODIFIED', object: prod({ team: 'a' }, '2') });
    namespaces.send({ type: 'MODIFIED', object: prod({ team: 'b' }, '3') });
    await ran('anna dependency');
    assert.deepEqual(runs, ['anna dependency']);
  });

  test('a cluster that does not let us watch a kind of others is served all the same', async () => {
    const kinds = [{ ...READER, checkedAtStart: true, reads: [NAMESPACE] }];
    const anna = { ...testObject('anna'), kind: 'Reader', spec: { image: 'go' } };
    const api = await startTestApi();
    cleanups.push(() => api.close());
    api.objects = [anna];
    api.forbidden = /^\/api\/v1\/namespaces/;
    const clock = createManualClock(Date.now());
    const { relay, runs } = await setUp([], { kinds, beside: { api, clock } });
    await api.watch(1);
    while (runs.length === 0) {
      await turn();
      clock.advance(250);
    }
    assert.deepEqual(runs, ['anna resync']);
    assert.equal(relay.ready(), true);
  });

  test('a stop takes no more work and waits for what goes on', async () => {
    const { promise: finish, resolve } = Promise.withResolvers<void>();
    const { api, relay, ran, runs } = await setUp([], {
      answer: async () => finish.then(() => ({ result: 'ok' })),
    });
    const watch = await api.watch(1);
    watch.send({ type: 'ADDED', object: testObject('a') });
    await ran('a change');
    let stopped = false;
    const stopping = relay.stop().then(() => {
      stopped = true;
    });
    await turn();
    assert.equal(stopped, false);
    resolve();
    await stopping;
    assert.deepEqual(runs, ['a change']);
  });

  test('hundreds of runs that wait for a registry keep no other object from running', async () => {
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    const { api, clock, relay, runs } = await setUp([], {
      answer: async (name) => {
        if (name !== 'good') await answered;
        return { result: 'ok' };
      },
    });
    const watch = await api.watch(1);
    for (let n = 0; n < 300; n++) watch.send({ type: 'ADDED', object: testObject(`dead${n}`) });
    watch.send({ type: 'ADDED', object: testObject('good') });
    const running = () => relay.state()[0]!.running;
    // No more than eight are in their first 250 ms: what was handed out and has not begun waits for those to pass.
    while (!runs.includes('good change')) {
      if (running() > runs.length) clock.advance(250);
      await turn();
    }
    while (running() > 300) await turn();
    assert.equal(runs.length, 301);
    answer();
  });

  test('a run that does not end is given up after 25 s', async () => {
    const { api, clock, relay, ran } = await setUp([], { answer: () => new Promise(() => {}) });
    const watch = await api.watch(1);
    watch.send({ type: 'ADDED', object: testObject('a') });
    await ran('a change');
    const stopping = relay.stop();
    clock.advance(25_000);
    await stopping;
  });
});

describe('two relays', () => {
  /** Lets time pass until it holds. */
  async function passUntil(clock: ManualClock, holds: () => boolean): Promise<void> {
    while (!holds()) {
      for (let turns = 0; turns < 5; turns++) await turn();
      if (!holds()) clock.advance(100);
    }
  }

  test('the standby is ready and runs nothing; when the leader stops it runs what is not settled, and only that', async () => {
    const first = await setUp([], { identity: 'a' });
    const { api, clock } = first;
    const leaderWatch = await api.watch(1);
    await passUntil(clock, () => first.relay.leads());
    const second = await setUp([], { identity: 'b', beside: { api, clock } });
    const standbyWatch = await api.watch(2);
    assert.deepEqual([second.relay.leads(), second.relay.ready()], [false, true]);

    for (const watch of [leaderWatch, standbyWatch]) {
      watch.send({ type: 'ADDED', object: testObject('done', { version: '101' }) });
      watch.send({ type: 'ADDED', object: testObject('open', { version: '102', observed: 0 }) });
    }
    await Promise.all([first.ran('done change'), first.ran('open change')]);
    assert.deepEqual([...first.epochs], [1]);

    const stopping = first.relay.stop();
    const stoppedAt = clock.now();
    await passUntil(clock, () => second.relay.leads());
    assert.ok(clock.now() - stoppedAt <= 3000, `${clock.now() - stoppedAt} ms without a leader`);
    await stopping;
    await passUntil(clock, () => second.runs.length > 0);
    assert.deepEqual(second.runs, ['open change']);
    assert.deepEqual([...second.epochs], [2]);
    const metrics = (await Array.fromAsync(second.relay.metrics())).join('');
    assert.match(metrics, /^leader_election_master_status\{name="longshore-relay"\} 1$/m);
  });

  test('a leader that stops hands over in time, also while its last run still goes on', async () => {
    const { promise: finish, resolve } = Promise.withResolvers<void>();
    const answer = async () => finish.then(() => ({ result: 'ok' }) as const);
    const first = await setUp([], { identity: 'a', answer });
    const { api, clock } = first;
    const watch = await api.watch(1);
    await passUntil(clock, () => first.relay.leads());
    watch.send({ type: 'ADDED', object: testObject('slow') });
    await first.ran('slow change');
    const second = await setUp([], { identity: 'b', beside: { api, clock } });
    await api.watch(2);
    let stopped = false;
    const stoppedAt = clock.now();
    const stopping = first.relay.stop().then(() => {
      stopped = true;
    });
    await passUntil(clock, () => second.relay.leads());
    assert.ok(clock.now() - stoppedAt <= 3000, `${clock.now() - stoppedAt} ms without a leader`);
    assert.equal(stopped, false, 'the run of the old leader is still waited for');
    resolve();
    await stopping;
  });

  test('a leader that loses the Lease drops what waits, and begins anew when it leads again', async () => {
    const runs: string[] = [];
    const first = await setUp([], {
      identity: 'a',
      answer: async (name) => {
        runs.push(name);
        return { result: 'retry', reason: 'Failed', message: 'no' };
      },
    });
    const { api, clock } = first;
    const watch = await api.watch(1);
    await passUntil(clock, () => first.relay.leads());
    watch.send({ type: 'ADDED', object: testObject('a', { observed: 0 }) });
    await first.ran('a change');
    // Suspended for longer than the Lease: its retry comes due, and must not run.
    clock.advance(20_000);
    for (let turns = 0; turns < 20; turns++) await turn();
    assert.equal(first.relay.leads(), false);
    assert.equal(runs.length, 1);
    await passUntil(clock, () => runs.length > 1);
    assert.equal(first.relay.leads(), true);
    assert.deepEqual([...first.epochs], [1, 2]);
  });
});
