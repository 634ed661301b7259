/**
 * Numbers as Go's `strconv.ParseFloat` reads them (IR-NUM-2), and their exact order. JavaScript's `Number()` alone
 * would take other texts: empty ones, `0x10`, white space.
 */

const DIGITS = '\\d+(?:_\\d+)*';
const HEX_DIGITS = '[\\da-f]+(?:_[\\da-f]+)*';
const DECIMAL = new RegExp(
  `^[+-]?(?:${DIGITS}(?:\\.(?:${DIGITS})?)?|\\.${DIGITS})(?:e[+-]?${DIGITS})?$`,
  'i',
);
const HEXADECIMAL = new RegExp(
  `^([+-]?)0x(?:_?(${HEX_DIGITS})(?:\\.(${HEX_DIGITS})?)?|\\.(${HEX_DIGITS}))p([+-]?${DIGITS})$`,
  'i',
);
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/** Bits of a mantissa that are kept: more than a 64-bit float has, so that it is rounded once. */
const KEPT_BITS = 64;

/**
 * The number that a text stands for, as the nearest 64-bit float; too small ones are 0.
 * @returns undefined for a text that is no number, for NaN, and beyond the range of 64-bit floats
 */
export function parseNumber(text: string): number | undefined {
  if (DECIMAL.test(text)) {
    const value = Number(text.includes('_') ? text.replaceAll('_', '') : text);
    return Number.isFinite(value) ? value : undefined;
  }
  const infinite = INFINITE.exec(text);
  if (infinite) return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const hexadecimal = HEXADECIMAL.exec(text);
  return hexadecimal ? hexadecimalValue(hexadecimal) : undefined;
}

function hexadecimalValue([, sign, whole = '', behindPoint, pointFirst, power]: RegExpExecArray):
  | number
  | undefined {
  const fraction = (behindPoint ?? pointFirst ?? '').replaceAll('_', '');
  let mantissa = BigInt(`0x${whole.replaceAll('_', '')}${fraction}`);
  let exponent = Number(power!.replaceAll('_', '')) - 4 * fraction.length;
  const surplus = mantissa.toString(16).length * 4 - KEPT_BITS;
  if (surplus > 0) {
    // The bits left out still say which way to round.
    const rest = mantissa & ((1n << BigInt(surplus)) - 1n);
    mantissa = (mantissa >> BigInt(surplus)) | (rest > 0n ? 1n : 0n);
    exponent += surplus;
  }
  if (mantissa === 0n) return 0;
  // In halves: one power alone may be out of range where the product is not.
  const half = Math.trunc(exponent / 2);
  const value = Number(mantissa) * 2 ** half * 2 ** (exponent - half);
  if (!Number.isFinite(value)) return undefined;
  return sign === '-' ? -value : value;
}

/** A number without rounding: `0.digits` times ten to the `exponent`. */
interface Decimal {
  negative: boolean;
  /** Without zeros at either end; empty: zero. */
  digits: string;
  exponent: number;
}

/**
 * Compares two texts that `parseNumber` takes for the same float (IR-NUM-4): long timestamps differ in digits that a
 * float does not hold. Below 0: `a` is lower.
 */
export function compareExactly(a: string, b: string, value: number): number {
  if (!Number.isFinite(value)) return 0;
  const [exactA, exactB] = [exactValue(a, value), exactValue(b, value)];
  if (exactA.negative !== exactB.negative) return exactA.negative ? -1 : 1;
  const order =
    Number(exactA.digits !== '') - Number(exactB.digits !== '') ||
    Number(exactA.exponent > exactB.exponent) - Number(exactA.exponent < exactB.exponent) ||
    Number(exactA.digits > exactB.digits) - Number(exactA.digits < exactB.digits);
  return exactA.negative ? -order : order;
}

/** A hexadecimal number is its float: its text says no more. */
function exactValue(text: string, value: number): Decimal {
  const decimal = DECIMAL.test(text) ? text.replaceAll('_', '') : expand(value);
  const [mantissa, exponent = '0'] = decimal.toLowerCase().split('e') as [string, string?];
  const [whole, fraction = ''] = mantissa.replace(/^[+-]/, '').split('.') as [string, string?];
  const all = whole + fraction;
  let start = 0;
  while (all[start] === '0') start++;
  let end = all.length;
  while (end > start && all[end - 1] === '0') end--;
  const digits = all.slice(start, end);
  if (digits === '') return { negative: false, digits, exponent: 0 };
  return { negative: text.startsWith('-'), digits, exponent: whole.length - start + Number(exponent) };
}

/** All digits of a float: `toString` gives only as many as tell it from its neighbours. */
function expand(value: number): string {
  let mantissa = Math.abs(value);
  let halvings = 0;
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2;
    halvings++;
  }
  // n / 2^k = n × 5^k / 10^k
  return `${BigInt(mantissa) * 5n ** BigInt(halvings)}e-${halvings}`;
}
