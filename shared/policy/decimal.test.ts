import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareExactly, parseNumber } from './decimal.ts';

describe('numbers that Go takes (IR-NUM-2)', () => {
  const numbers: [text: string, value: number][] = [
    ['12', 12],
    ['+12', 12],
    ['-12', -12],
    ['.5', 0.5],
    ['5.', 5],
    ['1.50', 1.5],
    ['007', 7],
    ['1e3', 1000],
    ['1E+3', 1000],
    ['1.5e-3', 0.0015],
    ['1e-400', 0],
    ['0e99999', 0],
    ['1_000', 1000],
    ['1_0.0_1e1_0', 100_100_000_000],
    ['0x1p4', 16],
    ['0X1P-2', 0.25],
    ['-0x1.8p1', -3],
    ['0x.8p0', 0.5],
    ['0x_1p0', 1],
    ['0x1_0p0', 16],
    ['0x20000000000001p0', 2 ** 53],
    ['0x20000000000003p0', 2 ** 53 + 4],
    ['0x80000000000004000000000000000000001p0', 0x80000000000008 * 2 ** 84],
    ['0x0p99999', 0],
    ['0x1p-1074', 5e-324],
    ['0x1p-99999', 0],
    ['inf', Number.POSITIVE_INFINITY],
    ['+Inf', Number.POSITIVE_INFINITY],
    ['-INFINITY', Number.NEGATIVE_INFINITY],
  ];
  for (const [text, value] of numbers)
    it(`${text} is ${value}`, () => assert.equal(parseNumber(text), value));

  const others = [
    ...['', ' 1', '1 ', '1a', '1,5', '1.2.3', '0x10', '0b11', '0o7', '1e', 'e1', '_1', '1_', '1__0', '1_.5'],
    ...[
      '1._5',
      '1e_1',
      '.',
      '+',
      '-',
      '.e1',
      '0x',
      '0xp1',
      '0x.p1',
      '1p1',
      '٣',
      '１',
      '1e400',
      '-1e400',
      '0x1p99999',
    ],
    ...['NaN', 'nan', '-nan', 'infinit', 'in', '--1', '1\n', '1n'],
  ];
  for (const text of others) {
    it(`'${text}' is none`, () => assert.equal(parseNumber(text), undefined));
  }
});

describe('the exact order of what is one float (IR-NUM-4)', () => {
  const rows: [a: string, order: number, b: string][] = [
    ['20240101120000121', -1, '20240101120000122'],
    ['-20240101120000121', 1, '-20240101120000122'],
    ['20240101120000121.0', 0, '2.0240101120000121e16'],
    ['9007199254740992', -1, '9007199254740993'],
    ['0x20000000000000p0', -1, '9007199254740993'],
    ['0x20000000000000p0', 0, '9007199254740992'],
    ['0x1p-2', 0, '.25'],
    ['0x1p-2', -1, '.25000000000000000001'],
    ['1e-400', -1, '1e-399'],
    ['-1e-400', -1, '0'],
    ['-0', 0, '0.00'],
    ['1_0', 0, '10'],
    ['inf', 0, '+Infinity'],
  ];
  for (const [a, order, b] of rows) {
    it(`${a} ${'<=>'[order + 1]} ${b}`, () => {
      const value = parseNumber(a)!;
      assert.equal(parseNumber(b)! + 0, value + 0);
      assert.equal(compareExactly(a, b, value) + 0, order);
      assert.equal(compareExactly(b, a, value) + 0, 0 - order);
    });
  }
});
