import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type OciRepositorySpec, operationOf, providerOf, timeoutOf } from './oci-repository.ts';

const spec = (fields: Record<string, unknown>): OciRepositorySpec =>
  ({ url: 'oci://ghcr.io/acme/web', interval: '5m', ...fields }) as OciRepositorySpec;

describe('what is in effect', () => {
  for (const [timeout, ms] of [
    [undefined, 60_000],
    ['', 60_000],
    ['90s', 90_000],
    ['1h', 3_600_000],
    ['250ms', 250],
  ] as const) {
    test(`timeout of ${timeout}`, () => assert.equal(timeoutOf(spec({ timeout })), ms));
  }

  test('an unusable timeout is an error that names the text', () => {
    assert.throws(() => timeoutOf(spec({ timeout: 'soon' })), /'soon'/);
  });

  test('provider: generic for none and for an empty one', () => {
    assert.equal(providerOf(spec({})), 'generic');
    assert.equal(providerOf(spec({ provider: '' })), 'generic');
    assert.equal(providerOf(spec({ provider: 'aws' })), 'aws');
  });

  test('operation: extract for none and for an empty one', () => {
    assert.equal(operationOf(undefined), 'extract');
    assert.equal(operationOf({}), 'extract');
    assert.equal(operationOf({ operation: 'copy' }), 'copy');
  });
});
