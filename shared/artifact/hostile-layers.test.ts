import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as zlib from 'node:zlib';
import type { ArtifactErrorCode } from './artifact-error.ts';
import {
  archiveOf,
  file,
  filesOf,
  hardLink,
  type LayerEntry,
  LIMITS,
  link,
  MIB,
  noise,
  produce,
  record,
  refuses,
  tarOf,
} from './test-layer.ts';

/** An extended header as bytes, for records that `tar` does not write. */
function extended(records: string): LayerEntry {
  return { path: 'PaxHeader/x', type: 'ExtendedHeader', content: records };
}

const REFUSED: [name: string, entries: LayerEntry[], code: ArtifactErrorCode, message: RegExp][] = [
  ['a path that leads out', [file('../x')], 'name', /^tar contained invalid name error "\.\.\/x"$/],
  ['an absolute path', [file('/etc/x')], 'name', /invalid name error "\/etc\/x"/],
  ['a path that leads out further on', [file('a/../../x')], 'name', /invalid name error/],
  ['a path that leads up and stays inside', [file('a/../x')], 'name', /invalid name error/],
  ['a path that ends with ..', [file('a/..')], 'name', /invalid name error/],
  ['a name that only looks like leading out', [file('a../x')], 'name', /invalid name error "a\.\.\/x"/],
  ['a directory ..', [{ path: '..', type: 'Directory' }], 'name', /invalid name error/],
  ['a backslash', [file('a\\b')], 'name', /invalid name error "a\\\\b"/],
  ['a symbolic link with a bad name', [link('../l', 'x')], 'name', /invalid name error/],
  ['a name that no file system takes', [file('n'.repeat(256))], 'name', /a name in it is too long/],
  ['a path that no file system takes', [file(`${'a/'.repeat(2048)}b`)], 'name', /the path is too long/],
  ['a FIFO', [{ path: 'p', type: 'FIFO' }], 'entry', /"p", a FIFO, which cannot be extracted/],
  ['a character device', [{ path: 'dev/null', type: 'CharacterDevice' }], 'entry', /a CharacterDevice/],
  ['a block device', [{ path: 'dev/sda', type: 'BlockDevice' }], 'entry', /a BlockDevice/],
  ['a dump directory', [{ path: 'd', type: 'GNUDumpDir' }], 'entry', /a GNUDumpDir/],
  ['a sparse file of GNU', [{ path: 's', type: 'SparseFile' }], 'entry', /a SparseFile/],
  ['a hard link to nothing', [hardLink('b', 'a')], 'entry', /"b" names "a", which is no file before it/],
  ['a hard link to a directory', [{ path: 'a', type: 'Directory' }, hardLink('b', 'a')], 'entry', /no file/],
  ['a hard link to what comes later', [hardLink('b', 'a'), file('a')], 'entry', /no file before it/],
  ['a hard link out of the root', [hardLink('b', '../../etc/passwd')], 'name', /invalid name error/],
  ['a file where a directory is', [file('a/b'), file('a')], 'entry', /a file where a directory is: "a"/],
  ['a directory where a file is', [file('a'), file('a/b')], 'entry', /a directory where a file is: "a\/b"/],
  ['a file as the root', [file('./.')], 'entry', /a file where its root directory is/],
  ['a sparse map', [extended(record('GNU.sparse.major', '1')), file('s')], 'malformed', /sparse files/],
  [
    'a line feed in a name',
    [extended(record('path', 'a\nb')), file('c')],
    'malformed',
    /path in the extended/,
  ],
  ['a NUL in a name', [extended(record('path', 'a\0b')), file('c')], 'malformed', /contains NUL/],
  ['a size that is none', [extended(record('size', '1.5')), file('c')], 'malformed', /size of "c"/],
  ['a size without sense', [extended(record('size', '9e99')), file('c')], 'malformed', /size of "c"/],
  [
    'a size for all files',
    [{ path: 'g', type: 'GlobalExtendedHeader', content: record('size', '1') }, file('c')],
    'malformed',
    /size in a global header/,
  ],
  ['an extended header too large', [extended('x'.repeat(2 * MIB))], 'entry', /ExtendedHeader/],
];

describe('a hostile layer is refused', () => {
  for (const [name, entries, code, message] of REFUSED) {
    test(name, async () => {
      const layer = tarOf(entries);
      await refuses(zlib.gzipSync(layer), code, message);
      await refuses(
        Buffer.concat([tarOf(filesOf({ big: Buffer.alloc(MIB) })).subarray(0, -1024), layer]),
        code,
        message,
      );
    });
  }

  test('a type that nobody knows', async () => {
    const layer = tarOf([file('a')]);
    layer.write('Z', 156, 'latin1');
    fixChecksum(layer);
    await refuses(layer, 'entry', /holds "a", an entry of unknown type, which cannot/);
  });

  test('a name that is not UTF-8', async () => {
    const layer = tarOf([file('latin')]);
    layer.write('\xe9', 0, 'latin1');
    fixChecksum(layer);
    await refuses(layer, 'name', /it is not UTF-8/);
  });

  test('a header whose checksum is wrong', async () => {
    const layer = tarOf([file('a'), file('b')]);
    layer[1024 + 150]! ^= 1;
    await refuses(layer, 'malformed', /checksum/);
  });

  test('what is no archive at all', async () => {
    const type = 'application/vnd.cncf.helm.chart.provenance.v1.prov';
    const text = Buffer.from('-----BEGIN PGP SIGNED MESSAGE-----\n'.repeat(50));
    await refuses(text, 'not-compressed', /requires gzip-compressed body .* starts with "-----BEGIN PGP S"/);
    await refuses(text, 'not-compressed', /the layer of type "application.*prov" starts/, {
      mediaType: type,
    });
    await refuses(Buffer.from('{}'), 'not-compressed', /requires gzip-compressed body/);
    await refuses(Buffer.alloc(0), 'not-compressed', /requires gzip-compressed body .*: the layer is empty/);
    await refuses(zlib.gzipSync(text), 'malformed', /no sound tar archive/);
    await refuses(zlib.gzipSync('{}'), 'malformed', /no sound tar archive/);
    for (const inner of [zlib.gzipSync(tarOf([])), zlib.zstdCompressSync(tarOf([]))]) {
      await refuses(zlib.gzipSync(inner), 'malformed', /compressed twice/);
      await refuses(zlib.zstdCompressSync(inner), 'malformed', /compressed twice/);
      // The first bytes come alone.
      const parts = [inner.subarray(0, 4), inner.subarray(4)].map((part) => zlib.zstdCompressSync(part));
      await refuses(Buffer.concat(parts), 'malformed', /compressed twice/, { chunk: parts[0]!.length });
    }
  });

  test('bytes cut anywhere', async () => {
    const plain = tarOf(filesOf({ a: 'a'.repeat(3000), b: noise(2 * MIB) }));
    for (const layer of [zlib.gzipSync(plain), zlib.zstdCompressSync(plain)]) {
      for (const cut of [1, 8, 200]) await refuses(layer.subarray(0, -cut), 'malformed', /unexpected end/);
    }
    for (const cut of [1025, 1700, MIB])
      await refuses(plain.subarray(0, -cut), 'malformed', /unexpected end|Truncated/);
  });
});

describe('a layer that is too large', () => {
  const small = (limits: Partial<typeof LIMITS>) => ({ limits: { ...LIMITS, ...limits } });

  test('as the registry has it', async () => {
    const layer = zlib.gzipSync(tarOf(filesOf({ a: 'a'.repeat(5000) })), { level: 0 });
    const options = small({ layerBytes: 5000 });
    await refuses(
      layer,
      'limit',
      /at most 5000 are taken \(max-layer-bytes\): push a smaller artifact/,
      options,
    );
    await refuses(layer, 'limit', /at most 5000/, { ...options, operation: 'copy' });
    await refuses(layer, 'limit', /has 9999 bytes, at most 5000/, { ...options, size: 9999 });
    const size = layer.length;
    assert.equal((await produce(layer, { ...small({ layerBytes: size }), operation: 'copy' })).size, size);
  });

  test('unpacked, at the first file that is too much', async () => {
    const entries = filesOf({ a: 'a'.repeat(600), b: 'b'.repeat(401) });
    const message = /more than 1000 bytes \(max-extracted-bytes\), reached at "b": .*spec\.ignore/;
    await refuses(tarOf(entries), 'limit', message, small({ extractedBytes: 1000 }));
    await archiveOf(entries, small({ extractedBytes: 1001 }));
  });

  test('unpacked, through links to one file', async () => {
    const entries = [file('a', 'a'.repeat(600)), hardLink('b', 'a')];
    await refuses(tarOf(entries), 'limit', /reached at "b"/, small({ extractedBytes: 1199 }));
  });

  test('a bomb: bounded memory, whatever it unpacks to', async () => {
    const zeros = filesOf({ zeros: Buffer.alloc(64 * MIB) });
    const bomb = zlib.gzipSync(tarOf(zeros), { level: 9 });
    assert.ok(bomb.length < 100_000);
    await refuses(bomb, 'limit', /more than 1048576 bytes/, small({ extractedBytes: MIB }));
    await refuses(
      zlib.zstdCompressSync(tarOf(zeros)),
      'limit',
      /max-extracted/,
      small({ extractedBytes: MIB }),
    );
  });

  test('padding without end', async () => {
    const padding = Buffer.alloc(80 * MIB);
    const bomb = zlib.gzipSync(Buffer.concat([tarOf([file('a')]), padding]));
    await refuses(
      bomb,
      'limit',
      /unpacks to more than/,
      small({ extractedBytes: 1000, extractedEntries: 10 }),
    );
  });

  test('in its entries, those included that nobody wrote down', async () => {
    const message = /more than 3 entries \(max-extracted-entries\), reached at "d"/;
    await refuses(
      tarOf(filesOf({ a: '', b: '', c: '', d: '' })),
      'limit',
      message,
      small({ extractedEntries: 3 }),
    );
    await refuses(tarOf([file('a/b/c/d')]), 'limit', /3 entries/, small({ extractedEntries: 3 }));
    await refuses(
      tarOf('abcd'.split('').map((name) => link(name, 'x'))),
      'limit',
      /3/,
      small({ extractedEntries: 3 }),
    );
    await archiveOf([file('a/b/c'), file('a/b/c')], small({ extractedEntries: 3 }));
  });
});

/** After a header was changed by hand. */
function fixChecksum(header: Buffer): void {
  header.fill(' ', 148, 156);
  const sum = header.subarray(0, 512).reduce((all, byte) => all + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}
