import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createZip, readZip } from './zip.ts';

const files = fc
  .uniqueArray(fc.tuple(fc.stringMatching(/^[a-zé]{1,8}(\/[a-z.-]{1,8}){0,2}$/), fc.uint8Array()), {
    selector: ([path]) => path,
  })
  .map((entries) => new Map(entries));

test('what is packed comes out again, whatever it holds', () => {
  fc.assert(
    fc.property(files, (packed) => {
      const unpacked = readZip(createZip(packed));
      assert.deepEqual([...unpacked.keys()], [...packed.keys()].sort());
      for (const [path, content] of packed) assert.deepEqual(unpacked.get(path), Buffer.from(content));
    }),
  );
});

test('equal files give equal bytes, in whatever order they came', () => {
  const entries: [string, Uint8Array][] = [
    ['handler.mjs', Buffer.from('a')],
    ['chunks/b.mjs', Buffer.from('b')],
  ];
  assert.deepEqual(createZip(new Map(entries)), createZip(new Map(entries.toReversed())));
});

test('the bytes are those of the format', () => {
  const bytes = createZip(new Map([['a', Buffer.alloc(0)]]));
  assert.equal(
    bytes.toString('hex'),
    '504b0304140000080800000021000000000002000000000000000100000061' +
      '0300' +
      '504b0102140314000008080000002100000000000200000000000000010000000000000000000000a481' +
      '0000000061' +
      '504b050600000000010001002f000000210000000000',
  );
});

test('a damaged archive is refused', () => {
  const bytes = createZip(new Map([['handler.mjs', Buffer.from('export {};'.repeat(100))]]));
  assert.throws(() => readZip(bytes.subarray(0, 10)), { message: 'not a zip archive' });
  const wrongSum = Buffer.from(bytes);
  wrongSum.writeUInt32LE(1, bytes.readUInt32LE(bytes.length - 6) + 16);
  assert.throws(() => readZip(wrongSum), { message: "zip archive: 'handler.mjs' is damaged" });
});
