import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { get, type RequestOptions } from 'node:https';
import { test } from 'node:test';
import { createAuthority } from '../../../test/parts/certificates.ts';
import { type LocalRegistry, startRegistry } from './registry.ts';

async function ping({ url }: LocalRegistry, options: RequestOptions): Promise<number | undefined> {
  const [response] = (await once(get(`${url}/v2/`, { ...options, agent: false }), 'response')) as [
    IncomingMessage,
  ];
  response.resume();
  return response.statusCode;
}

test('over TLS, and only for clients with a certificate when an authority for them is given', async (t) => {
  const authority = await createAuthority();
  const tls = await authority.server();
  const open = await startRegistry({ port: 0, tls });
  const closed = await startRegistry({ port: 0, tls: { ...tls, clientCa: authority.ca } });
  t.after(() => Promise.all([open.close(), closed.close()]));
  assert.match(open.url, /^https:/);
  assert.equal(await ping(open, { ca: authority.ca }), 200);
  await assert.rejects(ping(open, {}), /certificate/);
  assert.equal(await ping(closed, { ca: authority.ca, ...(await authority.client()) }), 200);
  await assert.rejects(ping(closed, { ca: authority.ca }));
});
