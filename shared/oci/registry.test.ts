import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { closeConnections } from './connections.ts';
import { RegistryMemory } from './memory.ts';
import {
  type Handle,
  openTest,
  QuickClock,
  sendJson,
  servePages,
  soon,
  startServer,
} from './test-registry.ts';

after(closeConnections);

const tagsUpTo = (count: number) => Array.from({ length: count }, (_, index) => `v${index}`);

/** Answers `/v2/` with 200 and lets `handle` answer the rest. */
function behindPing(handle: Handle): Handle {
  return (request, response, raw) =>
    request.url === '/v2/' ? sendJson(response, {}) : handle(request, response, raw);
}

/** Lists the tags of a server that answers as `handle` says. */
async function list(handle: Handle, options: Parameters<typeof openTest>[1] = {}) {
  const server = await startServer(handle);
  try {
    const { registry, clock } = await openTest(`${server.host}/team/app`, options);
    const result = await registry.listTags(soon()).then(
      (value) => ({ ...value, error: undefined }),
      (error: Error) => ({ tags: undefined, pages: 0, error }),
    );
    return { ...result, requests: server.requests, host: server.host, pauses: clock.pauses };
  } finally {
    await server.close();
  }
}

describe('paging (acceptance 6, IR-REG-4)', () => {
  for (const [count, pages] of [
    [1, 1],
    [1000, 1],
    [1001, 2],
    [25_000, 25],
    [100_000, 100],
  ] as const) {
    test(`${count} tags in ${pages} pages`, async () => {
      const listing = await list(servePages(tagsUpTo(count)));
      assert.equal(listing.tags?.length, count);
      assert.equal(listing.tags.at(-1), `v${count - 1}`);
      assert.equal(listing.pages, pages);
      assert.equal(listing.requests.filter(({ url }) => url.includes('tags/list')).length, pages);
    });
  }

  test('an absolute link, one without port and one without rel are followed', async () => {
    let host = '';
    const links = [
      (next: string) => `<http://${host}${next}>; rel="next"`,
      (next: string) => `<http://127.0.0.1${next}>`,
      (next: string) => `  <${next}>`,
    ];
    for (const link of links) {
      const server = await startServer(servePages(tagsUpTo(1001), link));
      host = server.host;
      const { registry } = await openTest(`${server.host}/team/app`);
      assert.equal((await registry.listTags(soon())).tags.length, 1001);
      await server.close();
    }
  });

  for (const link of ['<>', '']) {
    test(`an empty link '${link}' ends the list`, async () => {
      const listing = await list(
        behindPing((_, response) => sendJson(response, { tags: ['a'] }, { headers: { link } })),
      );
      assert.deepEqual(listing.tags, ['a']);
    });
  }

  for (const [name, link, message] of [
    [
      'another host',
      '<http://evil.example/v2/x/tags/list>',
      /the next page is on another origin \(http:\/\/evil\.example\)/,
    ],
    ['another port', '<http://127.0.0.1:1/v2/x/tags/list>', /another origin/],
    ['https from http', '<https://127.0.0.1/v2/x/tags/list>', /another origin/],
    ['no angle bracket', 'http://127.0.0.1/v2/x', /Link header does not start with </],
    ['no address', '<http://[>', /Link header holds no address/],
  ] as const) {
    test(`a link with ${name} fails the scan`, async () => {
      const listing = await list(
        behindPing((_, response) => sendJson(response, { tags: ['a'] }, { headers: { link } })),
      );
      assert.match(String(listing.error), message);
      assert.equal(listing.requests.filter(({ url }) => url.includes('tags/list')).length, 1);
    });
  }

  test('a loop of links is found', async () => {
    const listing = await list(
      behindPing(({ url }, response) => {
        const next = url.includes('page=b') ? '?page=a' : '?page=b';
        sendJson(response, { tags: ['a'] }, { headers: { link: `</v2/team/app/tags/list${next}>` } });
      }),
    );
    assert.match(String(listing.error), /endless loop/);
    assert.equal(listing.requests.filter(({ url }) => url.includes('tags/list')).length, 3);
  });

  test('links without end stop at 2,000 pages', async () => {
    let page = 0;
    const listing = await list(
      behindPing((_, response) =>
        sendJson(response, { tags: [] }, { headers: { link: `</v2/team/app/tags/list?page=${page++}>` } }),
      ),
    );
    assert.match(String(listing.error), /more than the limit of 2000 pages/);
  });

  test('more tags than allowed fail the scan', async () => {
    const settings = { 'max-tags': 10, 'allow-private-addresses': true, 'allow-loopback-addresses': true };
    const listing = await list(servePages(tagsUpTo(11)), { settings });
    assert.match(String(listing.error), /limit of 10 tags \(max-tags\)/);
  });
});

describe('answers (IR-REPO-12, IR-REG-8)', () => {
  for (const body of [{ name: 'x', tags: null }, { name: 'x' }, { tags: [] }, {}]) {
    test(`${JSON.stringify(body)} is a list without tags`, async () => {
      const listing = await list(behindPing((_, response) => sendJson(response, body)));
      assert.deepEqual(listing.tags, []);
    });
  }

  test('texts that cannot be tags are left out', async () => {
    const tags = ['ok', '', 'a b', 'line\nfeed', 'x'.repeat(129), '1.0+build', 'ä'];
    const listing = await list(behindPing((_, response) => sendJson(response, { tags })));
    assert.deepEqual(listing.tags, ['ok', '1.0+build']);
  });

  for (const [body, message] of [
    [
      '<html>login</html>',
      /GET http:\/\/127\.0\.0\.1:\d+\/v2\/team\/app\/tags\/list\?n=1000: tag page is not valid JSON \(text\/html\)/,
    ],
    ['{"tags": ["a"', /is not valid JSON/],
    ['', /is not valid JSON/],
    ['["a"]', /expected an object with a list of tags/],
    ['null', /expected an object with a list of tags/],
    ['{"tags": {"a": 1}}', /expected an object with a list of tags/],
    ['{"tags": ["a", 1]}', /a tag is no text/],
  ] as const) {
    test(`'${body}' fails with a clear message`, async () => {
      const headers = { 'content-type': 'text/html; charset=utf-8' };
      const listing = await list(behindPing((_, response) => sendJson(response, body, { headers })));
      assert.match(String(listing.error), message);
      assert.deepEqual(listing.pauses, []);
    });
  }

  test('a page of 9 MiB fails with the limit, with and without a length', async () => {
    const body = JSON.stringify({ tags: ['x'.repeat(9 * 1024 * 1024)] });
    for (const chunked of [true, false]) {
      const listing = await list(
        behindPing((_, response) => {
          if (!chunked) response.setHeader('content-length', body.length);
          response.end(body);
        }),
      );
      assert.match(String(listing.error), /tag page is larger than the limit of 8 MiB/);
    }
  });

  test('the name of a content coding is understood in any case', async () => {
    const listing = await list(
      behindPing((_, response) =>
        response.writeHead(200, { 'content-encoding': 'GZIP' }).end(gzipSync('{"tags":["a"]}')),
      ),
    );
    assert.deepEqual(listing.tags, ['a']);
  });

  test('gzip is asked for and understood', async () => {
    const listing = await list(
      behindPing((request, response) => {
        assert.match(String(request.headers['accept-encoding']), /gzip/);
        response.writeHead(200, { 'content-encoding': 'gzip' });
        response.end(gzipSync(JSON.stringify({ tags: ['a', 'b'] })));
      }),
    );
    assert.deepEqual(listing.tags, ['a', 'b']);
  });

  test('a gzip bomb meets the same limit', async () => {
    for (const size of [9 * 1024 * 1024, 100 * 1024 * 1024]) {
      const bomb = gzipSync(Buffer.alloc(size, 0x20));
      const listing = await list(
        behindPing((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)),
      );
      assert.match(String(listing.error), /larger than the limit of 8 MiB/);
    }
  });

  test('broken gzip is named', async () => {
    const listing = await list(
      behindPing((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('no gzip')),
    );
    assert.match(String(listing.error), /tag page is no valid gzip/);
  });
});

describe('statuses and repeats (acceptance 10, IR-REG-6, IR-REG-9)', () => {
  test('an OCI error list is shown', async () => {
    const body = {
      errors: [
        { code: 'NAME_UNKNOWN', message: 'repository name not known to registry' },
        { code: 'DENIED', message: 'x' },
      ],
    };
    const listing = await list(behindPing((_, response) => sendJson(response, body, { status: 404 })));
    assert.equal(
      listing.error?.message,
      `GET http://${listing.host}/v2/team/app/tags/list?n=1000: unexpected status code 404 Not Found: ` +
        'NAME_UNKNOWN: repository name not known to registry; DENIED: x',
    );
  });

  test('429 with Retry-After succeeds in the same run', async () => {
    let asked = 0;
    const listing = await list(
      behindPing((_, response) => {
        if (++asked === 1) sendJson(response, {}, { status: 429, headers: { 'retry-after': '2' } });
        else sendJson(response, { tags: ['a'] });
      }),
    );
    assert.deepEqual(listing.tags, ['a']);
    assert.deepEqual(listing.pauses, [2000]);
  });

  for (const status of [408, 429, 499, 500, 502, 503, 504, 522]) {
    test(`three times ${status} fail after pauses of 1 s and 3 s`, async () => {
      const listing = await list(behindPing((_, response) => sendJson(response, {}, { status })));
      assert.match(String(listing.error), new RegExp(`unexpected status code ${status}`));
      assert.deepEqual(listing.pauses, [1000, 3000]);
      assert.equal(listing.requests.filter(({ url }) => url.includes('tags/list')).length, 3);
    });
  }

  for (const status of [404, 405, 418, 501]) {
    test(`${status} fails at once`, async () => {
      const listing = await list(behindPing((_, response) => sendJson(response, {}, { status })));
      assert.match(String(listing.error), new RegExp(`unexpected status code ${status}`));
      assert.equal(listing.requests.filter(({ url }) => url.includes('tags/list')).length, 1);
    });
  }

  test('a Retry-After beyond the deadline is not waited for', async () => {
    const deadline = Date.now() + 5000;
    const headers = { 'retry-after': '60' };
    const listing = await list(
      behindPing((_, response) => sendJson(response, {}, { status: 429, headers })),
      { deadline },
    );
    assert.match(String(listing.error), /unexpected status code 429/);
    assert.equal((listing.error as { retryAfterMs?: number }).retryAfterMs, 60_000);
    assert.deepEqual(listing.pauses, []);
  });

  test('a wait that one scan was asked for holds the next one too', async () => {
    let busy = true;
    const server = await startServer(
      behindPing((_, response) => {
        if (busy) sendJson(response, {}, { status: 429, headers: { 'retry-after': '9' } });
        else sendJson(response, { tags: ['a'] });
      }),
    );
    const memory = new RegistryMemory();
    const first = await openTest(`${server.host}/a`, { memory, deadline: Date.now() + 5000 });
    await assert.rejects(first.registry.listTags(soon()), /429/);
    busy = false;
    const second = await openTest(`${server.host}/b`, { memory });
    await second.registry.listTags(soon());
    assert.equal(second.clock.pauses.length, 1);
    assert.ok(second.clock.pauses[0]! > 8000);
    await server.close();
  });

  test('a reset connection and a cut body are repeated', async () => {
    let asked = 0;
    const listing = await list(
      behindPing((_, response, raw) => {
        asked++;
        if (asked === 1) raw.socket.destroy();
        else if (asked === 2) {
          response.writeHead(200, { 'content-length': 100 });
          response.write('{"tags":', () => raw.socket.destroy());
        } else sendJson(response, { tags: ['a'] });
      }),
    );
    assert.deepEqual(listing.tags, ['a']);
    // The reset hit a kept connection: replaced at once, as if nothing had been. Only the cut body is a failed try.
    assert.deepEqual(listing.pauses, [1000]);
  });

  test('a body that is always cut says so', async () => {
    const listing = await list(
      behindPing((_, response, raw) => {
        response.writeHead(200, { 'content-length': 100 });
        response.write('{"tags":', () => raw.socket.destroy());
      }),
    );
    assert.match(String(listing.error), /the answer was cut after 8 bytes \(unexpected EOF\)/);
  });

  test('what is no HTTP is named', async () => {
    const listing = await list(behindPing((_, _response, raw) => raw.socket.end('SSH-2.0-OpenSSH\r\n\r\n')));
    assert.match(String(listing.error), /the answer is no HTTP/);
  });
});

describe('the page size (IR-REG-7)', () => {
  test('smaller pages are tried when 1,000 is refused, and remembered', async () => {
    const server = await startServer(
      behindPing((request, response, raw) => {
        if (!request.url.includes('n=1000')) return servePages(tagsUpTo(150))(request, response, raw);
        const errors = [{ code: 'PAGINATION_NUMBER_INVALID', message: 'invalid' }];
        sendJson(response, { errors }, { status: 422 });
      }),
    );
    const memory = new RegistryMemory();
    for (const expected of [
      ['n=1000', 'n=100', 'n=100'],
      ['n=100', 'n=100'],
    ]) {
      server.requests.length = 0;
      const { registry } = await openTest(`${server.host}/app`, { memory });
      assert.equal((await registry.listTags(soon())).tags.length, 150);
      const sizes = server.requests
        .filter(({ url }) => url !== '/v2/')
        .map(({ url }) => /n=\d+/.exec(url)?.[0]);
      assert.deepEqual(sizes, expected);
    }
    await server.close();
  });

  test('at last it is left out; a registry that refuses even that is asked as usual the next time', async () => {
    let refuse = true;
    const server = await startServer(
      behindPing(({ url }, response) =>
        refuse || url.includes('n=')
          ? sendJson(response, {}, { status: 400 })
          : sendJson(response, { tags: ['a'] }),
      ),
    );
    const memory = new RegistryMemory();
    const { registry } = await openTest(`${server.host}/app`, { memory });
    await assert.rejects(registry.listTags(soon()), /unexpected status code 400/);
    refuse = false;
    assert.deepEqual((await registry.listTags(soon())).tags, ['a']);
    const lists = server.requests
      .filter(({ url }) => url !== '/v2/')
      .map(({ url }) => url.split('?')[1] ?? '');
    assert.deepEqual(lists, ['n=1000', 'n=100', '', 'n=1000', 'n=100', '']);
    await server.close();
  });
});

describe('one signal from the deadline to the socket', () => {
  test('a registry that drips its answer is left at the deadline', async () => {
    let closed = () => {};
    const left = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const server = await startServer(
      behindPing((_, response) => {
        response.writeHead(200);
        const timer = setInterval(() => response.write(' '), 5);
        response.on('close', () => {
          clearInterval(timer);
          closed();
        });
      }),
    );
    const { registry } = await openTest(`${server.host}/app`);
    const late = Object.assign(new Error('deadline of 1s exceeded'), { name: 'TimeoutError' });
    const controller = new AbortController();
    setTimeout(() => controller.abort(late), 50);
    await assert.rejects(registry.listTags(controller.signal), {
      code: 'timeout',
      message: /tags\/list\?n=1000: deadline of 1s exceeded$/,
    });
    await left;
    await server.close();
  });

  test('the signal also ends a pause', async () => {
    const server = await startServer(behindPing((_, response) => sendJson(response, {}, { status: 503 })));
    const controller = new AbortController();
    const clock = new QuickClock();
    clock.after = (ms) => {
      const late = new DOMException('The operation was aborted due to timeout', 'TimeoutError');
      if (ms === 1000) setImmediate(() => controller.abort(late));
      return () => {};
    };
    const { registry } = await openTest(`${server.host}/app`, { clock });
    await assert.rejects(registry.listTags(controller.signal), /503.*deadline exceeded/);
    await server.close();
  });

  test('a run that is stopped is no timeout', async () => {
    const server = await startServer(() => {});
    const { registry } = await openTest(`${server.host}/app`);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('shutting down')), 30);
    await assert.rejects(registry.listTags(controller.signal), { code: 'aborted', message: /shutting down/ });
    await server.close();
  });
});

test('a scan of a known registry is one request on a warm connection (decisions 4)', async () => {
  const server = await startServer(servePages(tagsUpTo(100)));
  const memory = new RegistryMemory();
  const scan = async () => (await openTest(`${server.host}/app`, { memory })).registry.listTags(soon());
  await scan();
  const { length } = server.requests;
  const { connections } = server;
  for (let i = 0; i < 5; i++) await scan();
  assert.equal(server.requests.length, length + 5);
  assert.equal(server.connections, connections);
  assert.match(String(server.requests.at(-1)?.headers['user-agent']), /^longshore\/\d/);
  await server.close();
});

test('scans that start together ask for the manner once', async () => {
  const server = await startServer(servePages(['a']));
  const memory = new RegistryMemory();
  const scans = Array.from({ length: 10 }, async (_, index) => {
    const { registry } = await openTest(`${server.host}/app${index}`, { memory });
    return registry.listTags(soon());
  });
  await Promise.all(scans);
  assert.equal(server.requests.filter(({ url }) => url === '/v2/').length, 1);
  await server.close();
});

test('a connection that the registry closed is replaced without a pause', async () => {
  const server = await startServer(
    behindPing((_, response, raw) => {
      sendJson(response, { tags: ['a'] });
      // Closed without the polite announcement, just when the next request is on its way.
      raw.socket.once('data', () => raw.socket.destroy());
    }),
  );
  const { registry, clock } = await openTest(`${server.host}/app`);
  for (let i = 0; i < 3; i++) assert.deepEqual((await registry.listTags(soon())).tags, ['a']);
  assert.deepEqual(clock.pauses, []);
  await server.close();
});
