import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import * as zlib from 'node:zlib';
import { archiveOf, headersIn, type LayerEntry, pathsIn, produce, tarOf } from './test-layer.ts';

const hello = 'hello\n';
const K = `${'k'.repeat(120)}.yaml`;
const N = 'n'.repeat(90);
const M = `${N}/${'m'.repeat(90)}.yaml`;

/** OCI 26.1 */
const VECTORS: [string, LayerEntry[], number, string][] = [
  ['empty', [], 1536, 'a6c3074b61cf17b6c20da13944bfac01ed05930dc9cef70890045d62cbfb78d5'],
  [
    'one file',
    [{ path: 'foo.txt', content: 'bar\n' }],
    2560,
    '91dfad61a68f1f237b3d1c299544e9368c7127f22b5efcf43346febc8cda4690',
  ],
  [
    'folders, modes, order',
    [
      { path: 'empty', type: 'Directory' },
      { path: 'a.txt', content: hello },
      { path: 'b/run.sh', content: hello, mode: 0o755 },
      { path: 'a/x.yaml', content: hello, mode: 0o640 },
    ],
    6144,
    'fe7ecc0772aaed11e0e361fe27f86676fd5272d51205d597c56c61b30cab96e9',
  ],
  [
    'a name beyond ASCII',
    [{ path: 'é.txt', content: hello }],
    3584,
    '5a3a2befaa30b38b11a11aa029d37bf64a19951ba00182019bd50c72b5de7dd3',
  ],
  [
    'a name too long for the header',
    [{ path: K, content: hello }],
    3584,
    'd792183c6bd1e5ae4b31b4378950081b26522eacff33dd2ff0a1783befc84c5d',
  ],
  [
    'a path that needs the prefix field',
    [{ path: M, content: hello }],
    3072,
    '9889329242ad455b1093da39c5c4c8b95087a69ad14b1e2a1a65ba0df487d942',
  ],
];

describe('the archive of a tree', () => {
  for (const [name, entries, size, sha256] of VECTORS) {
    test(`bit for bit: ${name}`, async () => {
      const archive = await archiveOf(entries);
      assert.equal(archive.length, size);
      assert.equal(createHash('sha256').update(archive).digest('hex'), sha256);
    });
  }

  test('does not depend on owners, times, or the order of the layer', async () => {
    const [, entries] = VECTORS[2]!;
    const other = entries.toReversed().map((entry) => ({
      ...entry,
      uid: 1000,
      gid: 1000,
      uname: 'somebody',
      mtime: new Date(),
    }));
    const [first, second] = await Promise.all(
      [entries, other].map((all) => produce(zlib.gzipSync(tarOf(all)))),
    );
    assert.equal(first!.sha256, second!.sha256);
  });

  test('knows two modes of a file and one of a directory', async () => {
    const modes: [number, number][] = [
      [0o644, 0o600],
      [0o600, 0o600],
      [0o601, 0o700],
      [0o755, 0o700],
      [0o777, 0o700],
      [0o000, 0o600],
      [0o4755, 0o700],
    ];
    const files = modes.map(([mode]) => ({ path: `f${mode}`, mode, content: hello }));
    const archive = await archiveOf([...files, { path: 'd', type: 'Directory', mode: 0o555 }]);
    const found = new Map(headersIn(archive).map(({ path, mode }) => [path, mode]));
    for (const [mode, expected] of modes) assert.equal(found.get(`f${mode}`), expected, mode.toString(8));
    assert.equal(found.get('d'), 0o750);
  });

  test('sorts by the bytes of names, within each directory', async () => {
    const paths = ['a/z', 'a.txt', 'B', 'é', '\u{1f600}', '\uffee', 'a-b'];
    const archive = await archiveOf(paths.map((path) => ({ path, content: hello })));
    assert.deepEqual(pathsIn(archive), ['.', 'B', 'a', 'a/z', 'a-b', 'a.txt', 'é', '\uffee', '\u{1f600}']);
  });

  test('is one gzip member whose header tells nothing of this machine', async () => {
    const { file, size, sha256 } = await produce(zlib.gzipSync(tarOf([])));
    assert.equal(file.subarray(0, 10).toString('hex'), '1f8b08000000000000ff');
    assert.equal(file.length, size);
    assert.equal(createHash('sha256').update(file).digest('hex'), sha256);
  });
});
