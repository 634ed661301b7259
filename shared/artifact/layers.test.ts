import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import * as zlib from 'node:zlib';
import { Pax } from 'tar/pax';
import { produceArtifact } from './produce-artifact.ts';
import {
  archiveOf,
  contentsIn,
  file,
  filesOf,
  hardLink,
  LIMITS,
  link,
  MIB,
  noise,
  pathsIn,
  produce,
  record,
  refuses,
  tarOf,
} from './test-layer.ts';

describe('what a layer may hold', () => {
  test('names are cleaned, parents appear, the last of two files stays', async () => {
    const archive = await archiveOf([
      { path: './', type: 'Directory' },
      file('./a', '1'),
      file('b//c', '2'),
      file('b/./d', '3'),
      file('b/c', '4'),
    ]);
    assert.deepEqual(contentsIn(archive), { a: '1', 'b/c': '4', 'b/d': '3' });
    assert.deepEqual(pathsIn(archive), ['.', 'a', 'b', 'b/c', 'b/d']);
  });

  test('a symbolic link is skipped; a file below its name is a file', async () => {
    const layer = tarOf([
      link('l', '/etc'),
      file('l/passwd', 'ours'),
      link('other', 'l'),
      hardLink('third', 'other'),
    ]);
    const { file: made, leftOut } = await produce(layer);
    assert.deepEqual(contentsIn(zlib.gunzipSync(made)), { 'l/passwd': 'ours' });
    assert.deepEqual(leftOut.paths, ['l', 'other', 'third']);
    assert.equal(leftOut.links, 3);
  });

  test('a hard link is a copy, of what its target was then', async () => {
    const archive = await archiveOf([
      { ...file('a', '1'), mode: 0o755 },
      hardLink('./b', './a'),
      file('a', '2'),
      hardLink('c', 'a'),
    ]);
    assert.deepEqual(contentsIn(archive), { a: '2', b: '1', c: '2' });
  });

  test('global headers are no files, old types are', async () => {
    const archive = await archiveOf([
      { path: 'pax_global_header', type: 'GlobalExtendedHeader', content: record('comment', 'a'.repeat(40)) },
      { ...file('old', '1'), type: 'OldFile' },
      { ...file('dense', '2'), type: 'ContiguousFile' },
    ]);
    assert.deepEqual(contentsIn(archive), { dense: '2', old: '1' });
  });

  test('names of other alphabets and of any length, wherever a chunk ends', async () => {
    const name = `${'ä'.repeat(100)}/${'漢'.repeat(80)}/${'\u{1f600}'.repeat(60)}`;
    assert.ok(new Pax({ path: name }).encode().length > 1024);
    const names = Array.from({ length: 20 }, (_, index) => `${index}/${name}`);
    const large = { path: 'large', content: Buffer.alloc(600_000) };
    const layer = tarOf([large, ...names.map((path) => file(path))]);
    const expected = ['.', 'large', ...names].toSorted();
    for (let chunk = 512; chunk < 530; chunk++) {
      const { file: made } = await produce(layer, { chunk });
      const paths = pathsIn(zlib.gunzipSync(made)).filter((path) => expected.includes(path));
      assert.deepEqual(paths.toSorted(), expected);
    }
  });

  test('an empty layer, with or without an end', async () => {
    for (const layer of [tarOf([]), zlib.gzipSync(tarOf([])), zlib.gzipSync('')]) {
      const { file: made } = await produce(layer);
      assert.deepEqual(pathsIn(zlib.gunzipSync(made)), ['.']);
    }
  });

  test('an archive without an end, whose last byte begins a character', async () => {
    const layer = tarOf([{ path: 'a', content: Buffer.alloc(512, 0xff) }]).subarray(0, -1024);
    assert.equal(layer.at(-1), 0xff);
    const { file: made } = await produce(layer);
    assert.deepEqual(pathsIn(zlib.gunzipSync(made)), ['.', 'a']);
  });

  test('gzip members, zstd frames and padding: one artifact', async () => {
    const random = noise(70_000);
    const plain = tarOf(filesOf({ a: random, b: 'b' }));
    const [first, second] = [plain.subarray(0, 5001), plain.subarray(5001)];
    const checked = { params: { [zlib.constants.ZSTD_c_checksumFlag]: 1 } };
    const empty = Buffer.from('5e2a4d18050000003132333435', 'hex');
    const layers = [
      plain,
      Buffer.concat([plain, Buffer.alloc(9000)]),
      plain.subarray(0, -1024),
      zlib.gzipSync(plain),
      Buffer.concat([zlib.gzipSync(first), zlib.gzipSync(second), Buffer.alloc(100_000)]),
      zlib.zstdCompressSync(plain),
      Buffer.concat([
        empty,
        zlib.zstdCompressSync(first, checked),
        empty,
        zlib.zstdCompressSync(second),
        empty,
      ]),
    ];
    const digests = new Set<string>();
    for (const layer of layers) {
      for (const chunk of [997, 65_536]) digests.add((await produce(layer, { chunk })).sha256);
    }
    assert.equal(digests.size, 1);
    await refuses(
      Buffer.concat([layers[5]!, Buffer.alloc(9)]),
      'malformed',
      /no zstd frame behind the last one/,
    );
  });

  test('a zstd frame that wants a window of 128 MiB is refused', async () => {
    const { ZSTD_c_windowLog, ZSTD_c_contentSizeFlag } = zlib.constants;
    const stream = zlib.createZstdCompress({
      params: { [ZSTD_c_windowLog]: 27, [ZSTD_c_contentSizeFlag]: 0 },
    });
    stream.end(tarOf([file('a')]));
    await refuses(Buffer.concat(await stream.toArray()), 'malformed', /too much memory/);
  });
});

describe('the stream of a layer', () => {
  const { signal } = new AbortController();
  const options = { operation: 'extract', limits: LIMITS } as const;

  test('is read to its end: an error there counts, also behind the end of the archive', async () => {
    const wrong = new Error('the content has another digest');
    const layers = [
      zlib.gzipSync(tarOf([file('a')])),
      zlib.gzipSync(tarOf(filesOf({ a: Buffer.alloc(MIB) }))),
    ];
    for (const layer of [...layers, tarOf(filesOf({ a: Buffer.alloc(MIB) }))]) {
      const chunks = async function* () {
        yield layer;
        yield Buffer.alloc(70_000);
        throw wrong;
      };
      for (const operation of ['extract', 'copy'] as const) {
        const made = produceArtifact(Readable.from(chunks()), { ...options, operation }, signal);
        await assert.rejects(made, wrong);
      }
    }
  });

  test('has the length that its descriptor says', async () => {
    const layer = zlib.gzipSync(tarOf([file('a')]));
    const size = layer.length;
    for (const operation of ['extract', 'copy'] as const) {
      await produce(layer, { operation, size });
      await refuses(layer, 'malformed', /has \d+ bytes, its descriptor says/, { operation, size: size + 1 });
      await refuses(layer, 'malformed', /has more bytes, its descriptor says/, { operation, size: size - 1 });
    }
  });

  test('ends with the reason of the signal, and is closed', async () => {
    const stop = new AbortController();
    const reason = new Error('context deadline exceeded');
    const start = zlib.gzipSync(tarOf(filesOf({ a: Buffer.alloc(MIB) }))).subarray(0, 200);
    const layer = new Readable({ read() {} });
    layer.push(start);
    const made = produceArtifact(layer, options, stop.signal);
    setImmediate(() => stop.abort(reason));
    await assert.rejects(made, reason);
    assert.ok(layer.destroyed);
  });

  for (const algorithm of ['sha384', 'sha512'] as const) {
    test(`is digested as consumers want it (${algorithm}), and by SHA-256 for the store`, async () => {
      for (const size of [10, 3 * MIB]) {
        const layer = tarOf([file('a', String(noise(size)))]);
        for (const operation of ['extract', 'copy'] as const) {
          const made = await produce(layer, { algorithm, operation });
          assert.equal(made.digest, `${algorithm}:${hash(algorithm, made.file)}`);
          assert.equal(made.sha256, hash('sha256', made.file));
        }
      }
    });
  }

  test('leaves no file behind, and tells when the folder fails', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'longshore-spool-'));
    const bytes = noise(3 * MIB);
    const layer = tarOf(filesOf({ a: bytes, b: bytes }));
    const artifact = await produceArtifact(Readable.from([layer]), { ...options, spool: folder }, signal);
    assert.deepEqual(readdirSync(folder), []);
    for (const _ of [1, 2]) {
      const body = artifact.body();
      assert.ok(body instanceof Readable, 'a large artifact is a stream');
      assert.deepEqual(
        zlib.gunzipSync(Buffer.concat(await body.toArray())).subarray(1024, 1030),
        bytes.subarray(0, 6),
      );
    }
    const givenUp = artifact.body() as Readable;
    for await (const chunk of givenUp) if (chunk) break;
    assert.ok(givenUp.destroyed);
    const reading = (artifact.body() as Readable)[Symbol.asyncIterator]();
    await reading.next();
    artifact.dispose();
    artifact.dispose();
    await assert.rejects(async () => {
      for (let next = await reading.next(); !next.done; next = await reading.next());
    }, /given up/);
    await rm(folder, { recursive: true });
    await refuses(layer, 'scratch', /cannot write to the temporary folder .*ENOENT/, { spool: folder });
    await refuses(layer, 'scratch', /ENOENT/, { spool: folder, operation: 'copy' });
  });
});
