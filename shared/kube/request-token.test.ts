import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isPending, requestToken, withAnswer } from './request-token.ts';
import type { KubeObject, ReconcileStatus } from './resource.ts';

function objectWith(
  token: string | undefined,
  handled: string | undefined,
): KubeObject<unknown, ReconcileStatus> {
  const annotations = token === undefined ? undefined : { 'reconcile.fluxcd.io/requestedAt': token };
  return { metadata: { annotations }, status: { lastHandledReconcileAt: handled } } as unknown as KubeObject<
    unknown,
    ReconcileStatus
  >;
}

describe('a request for a run (IR-REC-3)', () => {
  const rows: [token: string | undefined, handled: string | undefined, pending: boolean][] = [
    [undefined, undefined, false],
    ['a', undefined, true],
    ['a', 'a', false],
    ['a', 'b', true],
    ['2020-01-01', '2021-01-01', true],
    [undefined, 'a', false],
    ['', 'a', false],
  ];
  for (const [token, handled, pending] of rows) {
    it(`token ${token}, handled ${handled}: ${pending}`, () => {
      assert.equal(isPending(objectWith(token, handled)), pending);
      assert.equal(requestToken(objectWith(token, handled)), token || undefined);
    });
  }

  it('is answered once, beside what the status says already', () => {
    const status = { observedGeneration: 3, lastHandledReconcileAt: 'b' };
    assert.deepEqual(withAnswer(objectWith('a', 'b'), status), { ...status, lastHandledReconcileAt: 'a' });
    assert.deepEqual(withAnswer(objectWith('b', 'b'), status), status);
    assert.deepEqual(withAnswer(objectWith(undefined, undefined), undefined), {});
  });
});
