import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ImageRepository } from '../../shared/api/image-repository.ts';
import type { ReconcileRequest } from '../../shared/runtime/contract.ts';
import { isScanRequested } from './scan-request.ts';

function objectWith(token: string, handled: string): ImageRepository {
  const annotations = { 'reconcile.fluxcd.io/requestedAt': token };
  return {
    metadata: { annotations },
    status: { lastHandledReconcileAt: handled },
  } as unknown as ImageRepository;
}

const request = (trigger: ReconcileRequest['trigger'], attempt: number) =>
  ({ trigger, attempt }) as ReconcileRequest;

describe('a scan that somebody asked for', () => {
  it('is repeated when it failed, although its token is handled (IR-REPO-9)', () => {
    const handled = objectWith('a', 'a');
    assert.equal(isScanRequested(handled, request('requested', 1)), true);
    assert.equal(isScanRequested(handled, request('requested', 0)), false);
    assert.equal(isScanRequested(handled, request('timer', 1)), false);
    assert.equal(isScanRequested(objectWith('b', 'a'), request('change', 0)), true);
  });
});
