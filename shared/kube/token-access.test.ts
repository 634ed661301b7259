import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scriptedClient } from '../../test/parts/scripted-client.ts';
import type { Clock } from '../runtime/clock.ts';
import { createTokenMint, endpointFromAccess, mintToken } from './token-access.ts';

const NEVER = new AbortController().signal;
const REQUEST = { namespace: 'longshore', serviceAccount: 'functions', audience: 'a', seconds: 600 };

const minted = (token: string, expires: string) => () => ({
  status: { token, expirationTimestamp: expires },
});

test('a TokenRequest for an audience, never for less than ten minutes', async () => {
  const answer = minted('t', '2026-01-05T10:10:00Z');
  const { kube, calls } = scriptedClient(answer, answer);
  const token = await mintToken(kube, { ...REQUEST, seconds: 30 }, NEVER);
  assert.deepEqual(token, { token: 't', expiresAt: Date.parse('2026-01-05T10:10:00Z') });
  await mintToken(kube, { ...REQUEST, audience: undefined, seconds: 3600.4 }, NEVER);
  const body = (audiences: string[], expirationSeconds: number) => ({
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { audiences, expirationSeconds },
  });
  assert.deepEqual(calls, [
    { verb: 'create', what: 'serviceaccounts/token', name: 'functions', body: body(['a'], 600) },
    { verb: 'create', what: 'serviceaccounts/token', name: 'functions', body: body([], 3600) },
  ]);
});

test('a token is used until a fifth of its life is left, however many ask', async () => {
  const start = Date.parse('2026-01-05T10:00:00Z');
  let time = start;
  const clock: Clock = { now: () => time, after: () => () => {} };
  const { kube, calls } = scriptedClient(
    minted('one', '2026-01-05T10:10:00Z'),
    minted('two', '2026-01-05T10:18:00Z'),
  );
  const mint = createTokenMint(kube, clock, REQUEST);
  assert.deepEqual(await Promise.all([mint(NEVER), mint(NEVER)]), ['one', 'one']);
  time = start + 479_999;
  assert.equal(await mint(NEVER), 'one');
  time = start + 480_000;
  assert.equal(await mint(NEVER), 'two');
  assert.equal(calls.length, 2);
});

test('a failure is not kept', async () => {
  const clock: Clock = { now: () => 0, after: () => () => {} };
  const { kube } = scriptedClient(
    () => Promise.reject(new Error('down')),
    minted('one', '2026-01-05T10:10:00Z'),
  );
  const mint = createTokenMint(kube, clock, REQUEST);
  await assert.rejects(mint(NEVER), { message: 'down' });
  assert.equal(await mint(NEVER), 'one');
});

test('the endpoint that a batch brings', () => {
  const access = { provider: 'token', server: 'https://h', token: 't' } as const;
  assert.deepEqual(endpointFromAccess(access), { server: 'https://h', token: 't' });
  assert.deepEqual(endpointFromAccess({ ...access, caData: 'PEM' }), {
    server: 'https://h',
    token: 't',
    ca: 'PEM',
  });
});
