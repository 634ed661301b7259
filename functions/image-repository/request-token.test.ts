import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ImageRepository } from '../../shared/api/image-repository.ts';
import type { ReconcileRequest } from '../../shared/runtime/contract.ts';
import { isPending, isScanRequested, requestToken } from './request-token.ts';

function objectWith(token: string | undefined, handled: string | undefined): ImageRepository {
  const annotations = token === undefined ? undefined : { 'reconcile.fluxcd.io/requestedAt': token };
  return { metadata: { annotations }, status: { lastHandledReconcileAt: handled } } as ImageRepository;
}

const request = (trigger: ReconcileRequest['trigger'], attempt: number) =>
  ({ trigger, attempt }) as ReconcileRequest;

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

  it('a failed one is repeated although its token is handled (IR-REPO-9)', () => {
    const handled = objectWith('a', 'a');
    assert.equal(isScanRequested(handled, request('requested', 1)), true);
    assert.equal(isScanRequested(handled, request('requested', 0)), false);
    assert.equal(isScanRequested(handled, request('timer', 1)), false);
    assert.equal(isScanRequested(objectWith('b', 'a'), request('change', 0)), true);
  });
});
