import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cacheMeasures } from './cache-measures.ts';
import { noCacheUse } from './cloud-tokens.ts';

describe('figures of the cache of cloud tokens (10.1)', () => {
  const rows: [name: string, use: object, lines: string[]][] = [
    ['a run that did not ask reports nothing, whatever the cache holds', { items: 3 }, []],
    ['a hit', { hits: 1, items: 2 }, ['events cache_hit 1', 'requests success 1', 'items 2']],
    [
      'a login that failed',
      { misses: 1, failures: 1 },
      ['events cache_miss 1', 'requests failure 1', 'items 0'],
    ],
    [
      'a token that was refused and replaced, at the cost of another',
      { hits: 1, misses: 1, evictions: 1, items: 1 },
      ['events cache_hit 1', 'events cache_miss 1', 'requests success 2', 'evictions 1', 'items 1'],
    ],
  ];
  for (const [name, use, lines] of rows) {
    it(name, () => {
      const shown = cacheMeasures({ ...noCacheUse(), ...use }).map((measure) => {
        const figure = measure.name.replace(/^gotk_token_cached?_/, '').replace('_total', '');
        return [figure, ...Object.values(measure.labels ?? {}), measure.value].join(' ');
      });
      assert.deepEqual(shown, lines);
    });
  }
});
