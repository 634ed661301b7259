import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Spool } from './spool.ts';
import { MIB, noise } from './test-layer.ts';

async function contentOf(spool: Spool): Promise<Buffer> {
  const body = spool.body();
  return Buffer.isBuffer(body) ? body : Buffer.concat(await body.toArray());
}

test('gives back what was written, in memory and beyond, from any position', async () => {
  const source = noise(6 * MIB);
  const parts = fc.array(fc.nat(700_000), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(parts, fc.nat(), fc.nat(300_000), async (lengths, position, wanted) => {
      const spool = new Spool(undefined);
      try {
        let at = 0;
        for (const length of lengths) {
          const part = source.subarray(at, at + length);
          spool.append(part);
          at += part.length;
        }
        assert.equal(spool.length, at);
        const from = position % (at + 1);
        const target = Buffer.alloc(Math.min(wanted, at - from) + 3);
        spool.read(target, 3, from, target.length - 3);
        assert.ok(target.subarray(3).equals(source.subarray(from, from + target.length - 3)));
        assert.ok((await contentOf(spool)).equals(source.subarray(0, at)));
      } finally {
        spool.dispose();
      }
    }),
    { numRuns: 40 },
  );
});

test('many at once share what stays in memory; what is given back can be had again', async () => {
  const bytes = noise(2 * MIB);
  const spools = Array.from({ length: 40 }, () => new Spool(undefined));
  const inMemory = () => spools.filter((spool) => Buffer.isBuffer(spool.body())).length;
  for (const spool of spools) spool.append(bytes);
  assert.equal(inMemory(), 32);
  assert.ok((await contentOf(spools[39]!)).equals(bytes));
  for (const spool of spools) spool.dispose();
  spools.length = 1;
  spools[0]!.append(bytes);
  assert.equal(inMemory(), 1);
  spools[0]!.dispose();
});
