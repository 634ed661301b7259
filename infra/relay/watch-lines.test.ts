import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { BrokenStream, createLineParser } from './watch-lines.ts';

describe('lines of a watch', () => {
  test('however the bytes are cut into chunks, the events are the same', () => {
    const plain = { noNullPrototype: true };
    const object = fc.record({ text: fc.string({ unit: 'grapheme' }) }, plain);
    const event = fc.record({ type: fc.constantFrom('ADDED', 'MODIFIED'), object }, plain);
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 8 }),
        fc.array(fc.nat(40), { minLength: 1 }),
        (events, cuts) => {
          const bytes = Buffer.from(events.map((each) => `${JSON.stringify(each)}\n`).join(''));
          const seen: unknown[] = [];
          const parser = createLineParser((each) => seen.push(each));
          for (let from = 0, n = 0; from < bytes.length; n++) {
            const to = from + 1 + cuts[n % cuts.length]!;
            parser.push(bytes.subarray(from, to));
            from = to;
          }
          parser.end();
          assert.deepEqual(seen, events);
        },
      ),
    );
  });

  for (const [what, bytes] of [
    ['no JSON', 'nonsense\n'],
    ['null', 'null\n'],
    ['no type', '{"object":{}}\n'],
    ['no object', '{"type":"ADDED","object":null}\n'],
  ] as const) {
    test(`${what} is refused`, () =>
      assert.throws(() => createLineParser(() => {}).push(Buffer.from(bytes)), BrokenStream));
  }

  test('empty lines are none', () => {
    const parser = createLineParser(() => assert.fail('no event'));
    parser.push(Buffer.from('\n \n'));
    parser.end();
  });

  test('half a line at the end is refused, and so is one that never ends', () => {
    const half = createLineParser(() => {});
    half.push(Buffer.from('{"type"'));
    assert.throws(() => half.end(), BrokenStream);
    const endless = createLineParser(() => {});
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    assert.throws(() => {
      for (let n = 0; n < 20; n++) endless.push(chunk);
    }, BrokenStream);
  });
});
