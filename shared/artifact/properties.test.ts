/** What must hold for every layer, also for those that nobody thought of. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { ArtifactError } from './artifact-error.ts';
import { type LayerEntry, LIMITS, noise, pathsIn, produce, tarOf } from './test-layer.ts';

const name = fc.oneof(
  fc.constantFrom('a', 'b', 'c.yaml', '.sourceignore', '.git', 'x.png', 'n'.repeat(101)),
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    .filter((text) => !/[/\\\0\n\ufffd]|^\.+$/.test(text)),
);
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const content = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.nat(5000).map((length) => noise(length)),
);
const entry: fc.Arbitrary<LayerEntry> = fc.record({
  path,
  content,
  mode: fc.constantFrom(0o644, 0o755, 0o400),
  uid: fc.nat(5000),
  mtime: fc.date({ min: new Date(0), max: new Date(2e12), noInvalidDate: true }),
});
/** Files that do not stand in each other's way. */
const files = fc
  .uniqueArray(entry, { selector: ({ path: key }) => key, maxLength: 12 })
  .map((all) => all.filter(({ path: key }) => !all.some((other) => other.path.startsWith(`${key}/`))));
const rules = fc.option(fc.constantFrom('', '*.yaml', '/a\n!/a/b', 'b/', '**/c.yaml', '!x.png'), {
  nil: undefined,
});

describe('any layer', () => {
  test('gives the same artifact in any order, compression and chunk size', async () => {
    await fc.assert(
      fc.asyncProperty(files, rules, fc.integer({ min: 1, max: 3000 }), async (entries, ignore, chunk) => {
        const layer = tarOf(entries);
        const { sha256 } = await produce(layer, { ignore });
        const turned = tarOf(entries.toReversed().map((each) => ({ ...each, uid: 0, mtime: new Date(0) })));
        assert.equal((await produce(zlib.gzipSync(turned), { ignore, chunk })).sha256, sha256);
        assert.equal((await produce(zlib.zstdCompressSync(layer), { ignore, chunk })).sha256, sha256);
        // Where nothing is dropped, an archive of the archive is the same.
        const whole = await produce(layer, { ignore: '!*' });
        assert.equal((await produce(whole.file, { ignore: '!*' })).sha256, whole.sha256);
      }),
      { numRuns: 60 },
    );
  });

  test('gives the same bytes at once and piece by piece', async () => {
    await fc.assert(
      fc.asyncProperty(files, async (entries) => {
        const layer = tarOf(entries);
        const atOnce = await produce(zlib.gzipSync(layer));
        // Padding makes a large layer of a small one.
        const streamed = await produce(Buffer.concat([layer, Buffer.alloc(600_000)]));
        assert.equal(streamed.sha256, atOnce.sha256);
      }),
      { numRuns: 30 },
    );
  });

  test('cut or altered anywhere: an artifact or an ArtifactError, and no path that leads out', async () => {
    const damage = fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { maxLength: 4 });
    const limits = { ...LIMITS, extractedBytes: 100_000 };
    let made = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(
        files,
        damage,
        fc.nat(),
        fc.constantFrom(0, 1, 2),
        async (entries, bytes, cut, kind) => {
          const layer = Buffer.from(tarOf(entries));
          for (const { at, byte } of bytes) layer[at % layer.length] = byte;
          const short = layer.subarray(0, cut % 3 === 0 ? cut % (layer.length + 1) : layer.length);
          const compress = [(all: Buffer) => all, zlib.gzipSync, zlib.zstdCompressSync][kind]!;
          try {
            const { file } = await produce(compress(short), { limits });
            for (const found of pathsIn(zlib.gunzipSync(file))) {
              assert.doesNotMatch(found, /^\/|\\|\0|(^|\/)\.\.(\/|$)/);
            }
            made++;
          } catch (error) {
            if (!(error instanceof ArtifactError)) throw error;
            refused++;
          }
        },
      ),
      { numRuns: 400 },
    );
    assert.ok(made > 20 && refused > 20, `${made} made, ${refused} refused: both are to be seen`);
  });

  test('with repaired checksums: headers that say anything at all', async () => {
    const field = fc.record({ at: fc.nat(511), bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }) });
    const limits = { ...LIMITS, extractedBytes: 100_000 };
    await fc.assert(
      fc.asyncProperty(files, fc.array(field, { minLength: 1, maxLength: 3 }), async (entries, fields) => {
        const layer = Buffer.from(tarOf([...entries, { path: 'last', content: 'x' }]));
        for (const { at, bytes } of fields) layer.set(bytes.slice(0, 512 - at), at);
        layer.fill(' ', 148, 156);
        const sum = layer.subarray(0, 512).reduce((all, byte) => all + byte, 0);
        layer.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
        try {
          pathsIn(zlib.gunzipSync((await produce(zlib.gzipSync(layer), { limits })).file));
        } catch (error) {
          if (!(error instanceof ArtifactError)) throw error;
        }
      }),
      { numRuns: 400 },
    );
  });

  test('compressed bytes altered anywhere: an artifact or an ArtifactError', async () => {
    const layers = [zlib.gzipSync, zlib.zstdCompressSync].map((compress) =>
      compress(
        tarOf([
          { path: 'a', content: noise(3000) },
          { path: 'b', content: 'b'.repeat(3000) },
        ]),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...layers), fc.nat(), fc.nat(255), async (layer, at, byte) => {
        const altered = Buffer.from(layer);
        altered[at % altered.length] = byte;
        try {
          await produce(altered);
        } catch (error) {
          if (!(error instanceof ArtifactError)) throw error;
        }
      }),
      { numRuns: 300 },
    );
  });
});
