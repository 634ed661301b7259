import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { afterEach, describe, test } from 'node:test';
import { RegistryError } from './errors.ts';
import { RegistryMemory } from './memory.ts';
import { type Handle, openTest, QuickClock, sendJson, soon, startServer } from './test-registry.ts';

/** Time stands still but for pauses, which pass at once, and for the half minute of a request, which a test ends. */
class ShortClock extends QuickClock {
  #now = Date.UTC(2026, 0, 1);
  readonly #requests = new Set<() => void>();

  override now(): number {
    return this.#now;
  }

  override advance(ms: number): void {
    this.#now += ms;
  }

  override after(ms: number, callback: () => void): () => void {
    if (ms < 1000) return super.after(ms, callback);
    if (ms === 30_000) {
      this.#requests.add(callback);
      return () => void this.#requests.delete(callback);
    }
    this.pauses.push(ms);
    this.#now += ms;
    const turn = setImmediate(callback);
    return () => clearImmediate(turn);
  }

  /** Half a minute without an answer to any request under way. */
  giveUp(): void {
    this.#now += 30_000;
    const late = [...this.#requests];
    this.#requests.clear();
    for (const callback of late) callback();
  }
}

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A registry whose tag lists are what `listing` says, seen by runs that share a memory and a clock. */
async function setUp(listing: Handle, ping: Handle = (_, response) => sendJson(response, {})) {
  const clock = new ShortClock();
  const memory = new RegistryMemory();
  const answers = { listing, ping };
  const server = await startServer((request, response, raw) => {
    const answer = request.url === '/v2/' ? answers.ping : answers.listing;
    answer(request, response, raw);
  });
  closing.push(() => server.close());
  const list = async (name: string, of = memory): Promise<string[] | RegistryError> => {
    const { registry } = await openTest(`${server.host}/${name}`, { clock, memory: of });
    return registry.listTags(soon()).then(
      ({ tags }) => tags,
      (error) => {
        assert.ok(error instanceof RegistryError);
        return error;
      },
    );
  };
  return {
    clock,
    answers,
    list,
    /** Takes requests and stays silent until the time of all of them is over: as soon as there are so many. */
    silentAfter: (count: number): Handle => {
      let taken = 0;
      return () => {
        if (++taken >= count) clock.giveUp();
      };
    },
    /** What came to nothing. */
    async fail(name: string): Promise<RegistryError> {
      const failure = await list(name);
      assert.ok(failure instanceof RegistryError, `${name} succeeded`);
      return failure;
    },
    address: (name: string) => `GET http://${server.host}/v2/${name}/tags/list?n=1000`,
    /** Listings that were asked for. */
    asked: () => server.requests.filter(({ url }) => url.includes('/tags/list')).length,
    pings: () => server.requests.filter(({ url }) => url === '/v2/').length,
  };
}

const good: Handle = (_, response) => sendJson(response, { tags: ['1.0'] });
const busy =
  (seconds: number, status = 429): Handle =>
  (_, response) =>
    sendJson(response, {}, { status, headers: { 'retry-after': String(seconds) } });
const runs = (count: number) => Array.from({ length: count }, (_, n) => `app${n}`);

describe('a registry that asks to wait (IR-REG-6)', () => {
  test('for up to 10 s is asked again in the same run', async () => {
    const { answers, list, clock } = await setUp((request, response, raw) => {
      busy(10)(request, response, raw);
      answers.listing = good;
    });
    assert.deepEqual(await list('app'), ['1.0']);
    assert.deepEqual(clock.pauses, [10_000]);
  });

  for (const [status, text] of [
    [429, '429 Too Many Requests'],
    [503, '503 Service Unavailable'],
  ] as const) {
    test(`for longer ends the run, which says when to come back (${status})`, async () => {
      const { fail, clock, asked, address } = await setUp(busy(20, status));
      const { message, postponedMs } = await fail('app');
      assert.equal(
        message,
        `${address('app')}: unexpected status code ${text}; the registry asks to wait 20s`,
      );
      assert.equal(postponedMs, 20_000);
      assert.deepEqual([asked(), clock.pauses], [1, []]);
    });
  }

  test('is not asked by other runs before, and by all of them afterwards', async () => {
    const { answers, fail, list, clock, asked, address } = await setUp(busy(20));
    await fail('app');
    answers.listing = good;
    clock.advance(5000);
    for (const name of ['one', 'two']) {
      const { message, postponedMs, code } = await fail(name);
      assert.equal(
        message,
        `${address(name)}: not asked after status code 429; the registry asks to wait 20s`,
      );
      assert.equal(code, 'throttled');
      assert.equal(postponedMs, 15_000);
    }
    assert.equal(asked(), 1);
    clock.advance(15_000);
    assert.deepEqual(await list('one'), ['1.0']);
  });

  test('for a day is asked again after a quarter of an hour', async () => {
    const { answers, fail, list, clock } = await setUp(busy(86_400));
    const { message, postponedMs } = await fail('app');
    assert.match(message, /asks to wait 24h0m0s$/);
    assert.equal(postponedMs, 900_000);
    answers.listing = good;
    clock.advance(900_000);
    assert.deepEqual(await list('app'), ['1.0']);
  });

  test('is not asked by those who wait for their turn either', async () => {
    const { list, asked } = await setUp(busy(20));
    const ended = await Promise.all(runs(100).map((name) => list(name)));
    assert.ok(ended.every((error) => error instanceof RegistryError && error.postponedMs === 20_000));
    assert.ok(asked() <= 32, `asked ${asked()} times`);
  });
});

describe('a registry that does not answer', () => {
  test('is asked three times for half a minute each', async () => {
    const { answers, clock, silentAfter, fail, asked, address } = await setUp(good);
    answers.listing = silentAfter(1);
    const start = clock.now();
    const { code, message } = await fail('app');
    assert.deepEqual([code, message], ['timeout', `${address('app')}: timeout: no answer for 30s`]);
    assert.equal(asked(), 3);
    assert.ok(clock.now() - start < 100_000);
  });

  test('is asked once when it stops in the middle of an answer: that takes a minute', async (t) => {
    const { clock, fail, asked, address } = await setUp((_, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('{"tags":');
    });
    const onHead = (message: unknown) => {
      const { response } = message as { response: IncomingMessage };
      if (response.headers['content-length'] !== '100') return;
      // Half a minute for the head, which came; another one for the rest, which does not.
      setImmediate(() => {
        clock.giveUp();
        clock.giveUp();
      });
    };
    subscribe('http.client.response.finish', onHead);
    t.after(() => unsubscribe('http.client.response.finish', onHead));
    const start = clock.now();
    const { message } = await fail('app');
    assert.equal(message, `${address('app')}: timeout: no complete answer within 60s`);
    assert.equal(asked(), 1);
    assert.ok(clock.now() - start < 100_000);
    assert.match((await fail('other')).message, /not asked/);
  });

  test('is given up by all that wait for it but one, and not asked by those who come', async () => {
    const { answers, clock, silentAfter, list, fail, asked, address } = await setUp(good);
    await list('app');
    answers.listing = silentAfter(32);
    const all = Promise.all(runs(100).map(fail));
    const messages = (await all).map(({ message }) => message);
    // 32 at a time, of which one repeats twice; the others had not been asked for.
    assert.equal(asked(), 1 + 32 + 2);
    assert.equal(messages.filter((message) => message.endsWith(': timeout: no answer for 30s')).length, 32);
    clock.advance(29_000);
    assert.equal(
      (await fail('late')).message,
      `${address('late')}: not asked: the registry gave no answer for 30s; one object at a time tries it again`,
    );
    assert.equal(asked(), 1 + 32 + 2);
  });

  test('is no silence to a request that has not got a connection yet', async () => {
    const { answers, clock, silentAfter, list, asked } = await setUp(good);
    const others = new RegistryMemory();
    await list('app');
    await list('app', others);
    const full = Promise.withResolvers<void>();
    answers.listing = () => asked() === 2 + 32 && full.resolve();
    const held = runs(32).map((name) => list(name));
    await full.promise;
    const queued = list('queued', others);
    // It takes its place behind those of the other access in no time: no request to wait for.
    for (let turns = 0; turns < 10; turns++) await new Promise((resolve) => setImmediate(resolve));
    answers.listing = (request, response, raw) => {
      if (request.url.includes('/queued/')) good(request, response, raw);
      else silentAfter(1)(request, response, raw);
    };
    clock.giveUp();
    assert.deepEqual(await queued, ['1.0']);
    assert.ok((await Promise.all(held)).every((error) => error instanceof RegistryError));
  });

  test('is given up together when not even its manner is known', async () => {
    const { answers, silentAfter, list, pings } = await setUp(good);
    answers.ping = silentAfter(1);
    const ended = await Promise.all(runs(100).map((name) => list(name)));
    assert.ok(ended.every((error) => error instanceof RegistryError && error.code === 'timeout'));
    assert.equal(pings(), 3);
  });

  test('is tried by one after a while; when it answers, by everybody', async () => {
    const { answers, clock, silentAfter, list, fail, asked } = await setUp(good);
    await list('app');
    answers.listing = silentAfter(1);
    await fail('app');
    clock.advance(30_000);
    const before = asked();
    const arrived = Promise.withResolvers<() => void>();
    answers.listing = (request, response, raw) => arrived.resolve(() => good(request, response, raw));
    const first = list('first');
    const answer = await arrived.promise;
    assert.match((await fail('second')).message, /one object at a time tries it again/);
    assert.equal(asked(), before + 1);
    answers.listing = good;
    answer();
    assert.deepEqual(await first, ['1.0']);
    assert.deepEqual(await list('second'), ['1.0']);
  });
});

test('more runs than there are places take turns', async () => {
  const { answers, list } = await setUp(good);
  await list('app');
  const held: (() => void)[] = [];
  const full = Promise.withResolvers<void>();
  answers.listing = (request, response, raw) => {
    held.push(() => good(request, response, raw));
    if (held.length === 32) full.resolve();
  };
  const many = runs(40).map((name) => list(name));
  await full.promise;
  answers.listing = good;
  for (const answer of held) answer();
  assert.deepEqual(
    await Promise.all(many),
    runs(40).map(() => ['1.0']),
  );
});
