import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingHttpHeaders, RequestListener, ServerResponse } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { GET, messageMatches, serve, transportTo } from '../../test/parts/kube-transport.ts';
import type { Clock } from '../runtime/clock.ts';

/** A clock on which no time passes; it keeps the waits. */
function clockWithoutWaits(): Clock & { waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    now: () => 0,
    after(ms, callback) {
      waits.push(ms);
      const timer = setImmediate(callback);
      return () => clearImmediate(timer);
    },
  };
}

const PATCH = { method: 'PATCH', path: '/api/v1', body: '{}' } as const;
const POST = { method: 'POST', path: '/api/v1', body: '{}' } as const;

test('a request carries path, query, body, content type, host and user agent', async (t) => {
  let seen: { url?: string; headers?: IncomingHttpHeaders; body?: string } = {};
  const server = await serve(t, async (request, response) => {
    seen = { url: request.url, headers: request.headers, body: (await request.toArray()).join('') };
    response.writeHead(201, { 'x-answer': 'yes' }).end('done');
  });
  const transport = transportTo(t, {
    server: `${server.url}/clusters/a/`,
    token: 'secret',
    impersonate: 'jane',
  });
  const answer = await transport.request({
    method: 'PATCH',
    path: '/api/v1/pods',
    query: { labelSelector: 'a in (b,c)', limit: 5, nothing: undefined },
    body: '{"ä":1}',
    contentType: 'application/merge-patch+json',
  });
  assert.equal(answer.status, 201);
  assert.equal(answer.headers['x-answer'], 'yes');
  assert.equal(answer.body.toString(), 'done');
  assert.equal(seen.url, '/clusters/a/api/v1/pods?labelSelector=a%20in%20(b%2Cc)&limit=5');
  assert.equal(seen.body, '{"ä":1}');
  const { host, authorization, accept, connection } = seen.headers!;
  assert.equal(host, new URL(server.url).host);
  assert.equal(authorization, 'Bearer secret');
  assert.equal(accept, 'application/json');
  assert.equal(connection, 'keep-alive');
  assert.equal(seen.headers!['user-agent'], 'longshore');
  assert.equal(seen.headers!['content-type'], 'application/merge-patch+json');
  assert.equal(seen.headers!['content-length'], '8');
  assert.equal(seen.headers!['impersonate-user'], 'jane');
});

describe('connections', () => {
  test('requests one after the other share one', async (t) => {
    const server = await serve(t, (_request, response) => response.end('{}'));
    const transport = transportTo(t, { server: server.url });
    for (let count = 0; count < 5; count++) await transport.request(GET);
    assert.equal(server.connections, 1);
  });

  test('a crowd of requests shares 16; watches do not take them away', async (t) => {
    const server = await serve(t, (request, response) => {
      if (request.url === '/watch') response.writeHead(200).flushHeaders();
      else setImmediate(() => response.end('{}'));
    });
    const transport = transportTo(t, { server: server.url });
    const watches = await Promise.all(Array.from({ length: 20 }, () => transport.open({ path: '/watch' })));
    assert.equal(server.connections, 20);
    await Promise.all(Array.from({ length: 100 }, () => transport.request(GET)));
    assert.equal(server.connections, 36);
    for (const { body } of watches) body.destroy();
  });

  /** Answers the first request of a connection, and closes it when a second one comes, as a server that was restarted. */
  const forgetful: RequestListener = (request, response) => {
    const socket = request.socket as net.Socket & { used?: boolean };
    if (socket.used) socket.resetAndDestroy();
    else response.end('{}');
    socket.used = true;
  };

  for (const request of [GET, PATCH]) {
    test(`a ${request.method} on a kept one that broke goes out again over a new one`, async (t) => {
      const server = await serve(t, forgetful);
      const transport = transportTo(t, { server: server.url });
      for (let count = 0; count < 3; count++) assert.equal((await transport.request(request)).status, 200);
      assert.equal(server.requests, 5);
      assert.equal(server.connections, 3);
    });
  }

  test('a POST on a kept one that broke is not repeated: it may have been executed', async (t) => {
    const server = await serve(t, forgetful);
    const transport = transportTo(t, { server: server.url });
    await transport.request(POST);
    await assert.rejects(transport.request(POST), messageMatches(/ECONNRESET|socket hang up/));
    assert.equal(server.requests, 2);
  });

  test('a request is repeated once, not for ever, and not when the connection was new', async (t) => {
    let healthy = true;
    const server = await serve(t, (request, response) => {
      if (healthy) response.end('{}');
      else request.socket.resetAndDestroy();
    });
    const transport = transportTo(t, { server: server.url });
    await transport.request(GET);
    healthy = false;
    await assert.rejects(transport.request(GET), messageMatches(/ECONNRESET|socket hang up/));
    assert.equal(server.requests, 3);
    await assert.rejects(transport.request(GET), messageMatches(/ECONNRESET|socket hang up/));
    assert.equal(server.requests, 4);
  });

  test('an answer that breaks off is an error', async (t) => {
    const server = await serve(t, (_request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{', () => response.destroy());
    });
    await assert.rejects(transportTo(t, { server: server.url }).request(GET), messageMatches(/aborted/));
  });

  test('nobody listens: the message names the server', async (t) => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const transport = transportTo(t, { server: `https://127.0.0.1:${port}` });
    await assert.rejects(
      transport.request(GET),
      messageMatches(new RegExp(`https://127.0.0.1:${port}: .*ECONNREFUSED`)),
    );
  });

  for (const [server, pattern] of [
    ['127.0.0.1:6443', /address of the API server is no http\(s\) URL/],
    ['ftp://host', /address of the API server is no http\(s\) URL/],
  ] as const) {
    test(`the address '${server}' is refused`, async (t) => {
      await assert.rejects(transportTo(t, { server }).request(GET), messageMatches(pattern));
    });
  }

  test('certificates that are none are refused without showing them', async (t) => {
    const transport = transportTo(t, { server: 'https://127.0.0.1:1', cert: 'canary', key: 'canary' });
    await assert.rejects(
      transport.request(GET),
      messageMatches(/^the certificates for the API server cannot be used/),
    );
    await assert.rejects(transport.request(GET), (error: Error) => !error.message.includes('canary'));
  });
});

describe('one signal from the caller to the socket', () => {
  test('an aborted signal sends nothing', async (t) => {
    const server = await serve(t, (_request, response) => response.end('{}'));
    const reason = new Error('deadline');
    const signal = AbortSignal.abort(reason);
    await assert.rejects(transportTo(t, { server: server.url }).request(GET, signal), reason);
    assert.equal(server.connections, 0);
  });

  for (const [when, begin] of [
    ['before the answer', () => {}],
    ['in the middle of the answer', (response: ServerResponse) => response.write('{')],
  ] as const) {
    test(`an abort ${when} closes the socket and rejects with the reason`, async (t) => {
      const arrived = Promise.withResolvers<net.Socket>();
      const server = await serve(t, (request, response) => {
        begin(response);
        arrived.resolve(request.socket);
      });
      const controller = new AbortController();
      const pending = transportTo(t, { server: server.url }).request(GET, controller.signal);
      const socket = await arrived.promise;
      const closed = new Promise((resolve) => socket.on('error', () => {}).on('close', resolve));
      const reason = new Error('deadline');
      controller.abort(reason);
      await assert.rejects(pending, reason);
      await closed;
    });
  }

  test('a signal of many requests keeps no listener of those that are done', async (t) => {
    const server = await serve(t, (_request, response) => response.end('{}'));
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners++;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners--;
      removeEventListener.apply(signal, args);
    };
    const transport = transportTo(t, { server: server.url });
    for (let count = 0; count < 5; count++) await transport.request(GET, signal);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(listeners, 0);
  });

  test('a server that says nothing is given up', async (t) => {
    const server = await serve(t, () => {});
    const transport = transportTo(t, { server: server.url }, { silenceMs: 50 });
    await assert.rejects(transport.request(GET), messageMatches(/no answer for 50ms/));
  });

  test('so is one that stops in the middle of its answer', async (t) => {
    const server = await serve(t, (_request, response) => response.write('{'));
    const transport = transportTo(t, { server: server.url }, { silenceMs: 50 });
    await assert.rejects(transport.request(GET), messageMatches(/no answer for 50ms/));
  });
});

describe('a stream', () => {
  test('hands out what comes when it comes, and ends with it', async (t) => {
    let response: ServerResponse | undefined;
    const server = await serve(t, (_request, answer) => {
      response = answer;
      answer.write('{"a":1}\n');
    });
    const { status, body } = await transportTo(t, { server: server.url }).open({
      path: '/',
      query: { watch: true },
    });
    assert.equal(status, 200);
    const parts: string[] = [];
    for await (const chunk of body) {
      parts.push(String(chunk));
      if (parts.length === 1) response!.write('{"b":2}\n');
      else response!.end();
    }
    assert.deepEqual(parts, ['{"a":1}\n', '{"b":2}\n']);
  });

  test('fails with the reason of the signal', async (t) => {
    const server = await serve(t, (_request, response) => response.write('x'));
    const controller = new AbortController();
    const { body } = await transportTo(t, { server: server.url }).open({ path: '/' }, controller.signal);
    const reason = new Error('enough');
    const read = body.toArray();
    controller.abort(reason);
    await assert.rejects(read, reason);
  });

  test('an abort before anybody reads is no unhandled error', async (t) => {
    const server = await serve(t, (_request, response) => response.write('x'));
    const controller = new AbortController();
    const { body } = await transportTo(t, { server: server.url }).open({ path: '/' }, controller.signal);
    const reason = new Error('enough');
    controller.abort(reason);
    await assert.rejects(body.toArray(), reason);
  });

  test('outlives the silence that ends a request', async (t) => {
    const server = await serve(t, (_request, response) => {
      response.flushHeaders();
      setTimeout(() => response.end('late'), 120);
    });
    const { body } = await transportTo(t, { server: server.url }, { silenceMs: 40 }).open({ path: '/' });
    assert.equal((await body.toArray()).join(''), 'late');
  });
});

describe('a server that asks to wait', () => {
  function refusing(times: number, retryAfter?: string): RequestListener {
    let refused = 0;
    return (_request, response) => {
      if (refused++ < times)
        response.writeHead(429, retryAfter === undefined ? {} : { 'retry-after': retryAfter });
      response.end('{}');
    };
  }

  test('is asked again after that time and a little more', async (t) => {
    const server = await serve(t, refusing(2, '2'));
    const clock = clockWithoutWaits();
    const transport = transportTo(t, { server: server.url }, { clock, random: () => 0.5 });
    assert.equal((await transport.request(POST)).status, 200);
    assert.deepEqual(clock.waits, [2250, 2250]);
  });

  test('without a time: a second', async (t) => {
    const server = await serve(t, refusing(1));
    const clock = clockWithoutWaits();
    await transportTo(t, { server: server.url }, { clock, random: () => 0 }).request(GET);
    assert.deepEqual(clock.waits, [1000]);
  });

  test('three times at most', async (t) => {
    const server = await serve(t, refusing(9, '1'));
    const clock = clockWithoutWaits();
    const answer = await transportTo(t, { server: server.url }, { clock, random: () => 0 }).request(GET);
    assert.equal(answer.status, 429);
    assert.equal(server.requests, 4);
  });

  test('for longer than 10 s: the caller decides', async (t) => {
    const server = await serve(t, refusing(9, '11'));
    const clock = clockWithoutWaits();
    const answer = await transportTo(t, { server: server.url }, { clock }).request(GET);
    assert.equal(answer.status, 429);
    assert.equal(server.requests, 1);
    assert.deepEqual(clock.waits, []);
  });
});
