import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, parseDuration } from './duration.ts';

for (const [text, ms] of [
  ['90s', 90_000],
  ['1h30m', 5_400_000],
  ['1.5h', 5_400_000],
  ['250ms', 250],
  ['0s', 0],
  ['0', 0],
  ['1m0s', 60_000],
  ['.5s', 500],
  ['5.m', 300_000],
  ['1us', 0.001],
  ['+5m', 300_000],
  ['+0', 0],
] as const) {
  test(`the duration ${text} is ${ms} ms`, () => assert.equal(parseDuration(text), ms));
}

for (const text of ['', '+', '+-1m', '5', '-1m', '5 m', '1d', 'm', '1h30', '9999999999h']) {
  test(`the duration '${text}' is refused`, () => assert.throws(() => parseDuration(text), RangeError));
}

for (const [ms, text] of [
  [299_000, '4m59s'],
  [3_600_000, '1h0m0s'],
  [1500, '1.5s'],
  [250, '250ms'],
  [0, '0s'],
  [600_000, '10m0s'],
] as const) {
  test(`${ms} ms print as ${text}`, () => assert.equal(formatDuration(ms), text));
}

test('what is printed parses to the same time', () => {
  fc.assert(fc.property(fc.nat({ max: 1e9 }), (ms) => parseDuration(formatDuration(ms)) === ms));
});
