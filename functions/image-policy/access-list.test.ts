import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ImageRepositorySpec } from '../../shared/api/image-repository.ts';
import { hasEntries, selects } from './access-list.ts';

const ENV_PROD = { env: 'prod', 'kubernetes.io/metadata.name': 'prod' };

const list = (...matchLabels: (Record<string, string> | undefined)[]): ImageRepositorySpec['accessFrom'] => ({
  namespaceSelectors: matchLabels.map((labels) => (labels ? { matchLabels: labels } : {})),
});

describe('access lists (section 7)', () => {
  it('one that is absent or empty names nobody', () => {
    assert.equal(hasEntries(undefined), false);
    assert.equal(hasEntries(list()), false);
    assert.equal(hasEntries(list({})), true);
  });

  for (const [name, accessFrom, labels, allowed] of [
    ['absent', undefined, ENV_PROD, false],
    ['empty', list(), ENV_PROD, false],
    ['one label, equal', list({ env: 'prod' }), ENV_PROD, true],
    ['one label, another value', list({ env: 'dev' }), ENV_PROD, false],
    ['two labels, one of them missing', list({ env: 'prod', team: 'a' }), ENV_PROD, false],
    ['two selectors, the second matches', list({ team: 'a' }, { env: 'prod' }), ENV_PROD, true],
    ['by name', list({ 'kubernetes.io/metadata.name': 'prod' }), ENV_PROD, true],
    ['a selector without labels', list({}), {}, true],
    ['a selector with nothing in it', list(undefined), {}, true],
    ['an empty value, and no such label', list({ team: '' }), ENV_PROD, false],
    ['an empty value, and the label has it', list({ team: '' }), { team: '' }, true],
    ['a name that every JavaScript object has', list({ constructor: 'x' }), {}, false],
  ] as const) {
    it(name, () => assert.equal(selects(accessFrom, labels), allowed));
  }
});
