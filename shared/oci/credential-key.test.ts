import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { matchingKeys } from './credential-key.ts';
import { matchesGlob } from './glob.ts';
import { parseImageName } from './image-name.ts';

const MATCH = true;
const NO = false;

describe('appendix D.2', () => {
  const rows: [key: string, image: string, expected: boolean][] = [
    ['https://index.docker.io/v1/', 'alpine', MATCH],
    ['https://index.docker.io/v2/', 'alpine', MATCH],
    ['https://index.docker.io/v1', 'alpine', MATCH],
    ['index.docker.io', 'org/app', MATCH],
    ['docker.io', 'org/app', MATCH],
    ['https://docker.io', 'org/app', MATCH],
    ['registry-1.docker.io', 'org/app', MATCH],
    ['*.docker.io', 'org/app', MATCH],
    ['index.docker.io/org', 'org/app', MATCH],
    ['ghcr.io', 'ghcr.io/org/app', MATCH],
    ['https://ghcr.io', 'ghcr.io/org/app', MATCH],
    ['http://ghcr.io/', 'ghcr.io/org/app', MATCH],
    ['ghcr.io/v2/', 'ghcr.io/org/app', MATCH],
    ['ghcr.io/org', 'ghcr.io/org/app', MATCH],
    ['ghcr.io/v2/org', 'ghcr.io/org/app', MATCH],
    ['ghcr.io/org', 'ghcr.io/organic/app', NO],
    ['ghcr.io/other', 'ghcr.io/org/app', NO],
    ['GHCR.io', 'ghcr.io/org/app', MATCH],
    ['reg.example.com:5000', 'reg.example.com:5000/app', MATCH],
    ['reg.example.com', 'reg.example.com:5000/app', NO],
    ['reg.example.com:443', 'reg.example.com/app', NO],
    ['*.example.com', 'reg.example.com/app', MATCH],
    ['*.example.com', 'a.reg.example.com/app', NO],
    ['*.example.com:5000', 'reg.example.com:5000/app', MATCH],
    ['reg*.example.com', 'reg7.example.com/app', MATCH],
    ['*', 'reg.example.com/app', NO],
    ['*.dkr.ecr.*.amazonaws.com', '123456789012.dkr.ecr.us-east-2.amazonaws.com/app', MATCH],
    // Beyond the table.
    ['registry.hub.docker.com', 'org/app', MATCH],
    ['docker.io/other', 'org/app', NO],
    ['ghcr.io/org/app/', 'ghcr.io/org/app', MATCH],
    ['ghcr.io/org/app/more', 'ghcr.io/org/app', NO],
    ['[::1]:5000', '[::1]:5000/app', MATCH],
    ['', 'ghcr.io/org/app', NO],
  ];
  for (const [key, image, expected] of rows) {
    test(`key '${key}' ${expected ? 'matches' : 'does not match'} ${image}`, () => {
      assert.deepEqual(matchingKeys([key], parseImageName(image)), expected ? [key] : []);
    });
  }
});

test('the longer of two matching keys comes first (IR-KEY-6)', () => {
  const keys = ['ghcr.io', 'ghcr.io/org/app'];
  assert.deepEqual(matchingKeys(keys, parseImageName('ghcr.io/org/app')), ['ghcr.io/org/app', 'ghcr.io']);
  assert.deepEqual(matchingKeys(keys, parseImageName('ghcr.io/org/web')), ['ghcr.io']);
  assert.equal(matchingKeys(['*.io', 'ghcr.io'], parseImageName('ghcr.io/a'))[0], 'ghcr.io');
});

test('globs', () => {
  const rows: [pattern: string, text: string, expected: boolean][] = [
    ['', '', true],
    ['*', '', true],
    ['a*b*c', 'aXbYbZc', true],
    ['a*b*c', 'aXbYbZ', false],
    ['?', '', false],
    ['a?c', 'abc', true],
    ['[a-c]x', 'bx', true],
    ['[^a-c]x', 'bx', false],
    ['[^a-c]x', 'dx', true],
    ['[\\]a]', ']', true],
    ['[]a]', ']', false],
    ['[a-]', '-', false],
    ['[a\\-]', '-', true],
    ['[^', '^', false],
    ['?', '\u{1f600}', true],
    ['[\u{1f600}]', '\u{1f600}', true],
    ['[a', 'a', false],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['\\', '\\', false],
    ['reg*', 'reg', true],
    ['a', 'ab', false],
  ];
  for (const [pattern, text, expected] of rows) {
    assert.equal(matchesGlob(pattern, text), expected, `${pattern} on ${text}`);
  }
});

test('an evil glob stays quick', () => {
  assert.equal(matchesGlob('*a'.repeat(200), `${'a'.repeat(5000)}b`), false);
});
