import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Challenge, parseChallenge } from './challenge.ts';

const bearer = (realm: string, service?: string): Challenge => ({ scheme: 'bearer', realm, service });

describe('challenges', () => {
  const rows: [header: string | undefined, expected: Challenge | undefined][] = [
    ['Bearer realm="https://auth.example/token",service="reg"', bearer('https://auth.example/token', 'reg')],
    ['bearer Realm = "https://a/t" , service=reg', bearer('https://a/t', 'reg')],
    ['Bearer realm="https://a/t",scope="repository:x:pull,push",service="s"', bearer('https://a/t', 's')],
    ['Bearer realm="a \\"b\\""', bearer('a "b"')],
    ['Basic realm="Registry"', { scheme: 'basic' }],
    ['BASIC', { scheme: 'basic' }],
    ['Negotiate, Basic realm="x"', { scheme: 'basic' }],
    ['Negotiate abc==, Bearer realm="https://a/t"', bearer('https://a/t')],
    ['Basic realm="x", Bearer realm="https://a/t"', { scheme: 'basic' }],
    ['Bearer realm="https://a/t", Basic realm="x"', bearer('https://a/t')],
    ['Bearer service="x"', undefined],
    ['Bearer service="x", Basic realm="y"', { scheme: 'basic' }],
    ['Digest realm="x"', undefined],
    ['Negotiate', undefined],
    ['"', undefined],
    ['', undefined],
    [undefined, undefined],
  ];
  for (const [header, expected] of rows) {
    test(`${header}`, () => assert.deepEqual(parseChallenge(header), expected));
  }
});

test('any text is read or passed over', () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[Ber=", \\a]{0,60}$/));
  fc.assert(fc.property(text, (header) => parseChallenge(header) === undefined || true));
});
