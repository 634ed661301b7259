/** One object that is too much for anybody must not be felt by the others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRegistry } from '../../infra/local/registry/registry.ts';
import { onEveryApiServer } from '../parts/api-servers.ts';
import { isReady, openStage } from './stage.ts';

/** Made for the pattern: an engine that goes back would need 2^32 steps for each. */
const TAGS = Array.from({ length: 100_000 }, (_, index) => `${'a'.repeat(32)}-${index}`);
const EVIL = '^(a+)+$';

onEveryApiServer((api) => {
  test('100,000 tags under an evil pattern: others are scanned meanwhile, and both end Ready', async (t) => {
    const registry = await startRegistry({ port: 0 });
    t.after(() => registry.close());
    await registry.push('team/huge', [...TAGS, 'a'.repeat(32)]);
    await registry.push('team/small', '1.0');
    const stage = await openStage(t, api);
    await stage.serve();
    await stage.create('small', { image: `${registry.host}/team/small` });
    await stage.ready('small');

    const startedAt = performance.now();
    await stage.create('huge', { image: `${registry.host}/team/huge`, exclusionList: [EVIL] });
    const waits: number[] = [];
    let { status } = await stage.read('huge');
    while (!isReady({ status })) {
      const askedAt = performance.now();
      await stage.request('small');
      await stage.ready('small');
      waits.push(performance.now() - askedAt);
      ({ status } = await stage.read('huge'));
    }
    t.diagnostic(`the huge one: ${Math.round(performance.now() - startedAt)} ms`);
    t.diagnostic(`${waits.length} scans beside it, the longest ${Math.round(Math.max(...waits))} ms`);
    assert.ok(waits.length > 1, 'others are scanned meanwhile');
    assert.equal(status!.lastScanResult!.tagCount, TAGS.length);
  });
});
