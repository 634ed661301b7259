/** Label selectors: `app=web,tier!=db,env in (dev,test),!legacy`. */
import { labelValueProblems, qualifiedNameProblems } from './names.ts';
import { badRequest } from './status-error.ts';

/** Does an object with these labels match? */
export type LabelMatcher = (labels: Readonly<Record<string, string>> | undefined) => boolean;

const everything: LabelMatcher = () => true;
const TOKEN = /\s*(!=|==|=|!|<|>|,|\(|\)|[^\s!=<>,()]+)/y;
const EXPECTED = 'expected: in, notin, =, ==, !=, gt, lt';

/** @throws StatusError 400 with what was found and what was expected */
export function parseLabelSelector(selector: string): LabelMatcher {
  const tokens = tokenize(selector);
  if (tokens.length === 0) return everything;
  const requirements: LabelMatcher[] = [];
  for (;;) {
    requirements.push(parseRequirement(tokens));
    const next = tokens.shift();
    if (next === undefined) break;
    if (next !== ',') throw badRequest(`unable to parse requirement: found '${next}', expected: , or end`);
  }
  return (labels) => requirements.every((matches) => matches(labels));
}

function tokenize(selector: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(selector); match; match = TOKEN.exec(selector)) tokens.push(match[1]!);
  return tokens;
}

function parseRequirement(tokens: string[]): LabelMatcher {
  const absent = tokens[0] === '!';
  if (absent) tokens.shift();
  const key = parseKey(tokens.shift());
  const ends = tokens.length === 0 || tokens[0] === ',';
  if (absent) return (labels) => labels?.[key] === undefined;
  if (ends) return (labels) => labels?.[key] !== undefined;
  const operator = tokens.shift()!;
  switch (operator) {
    case '=':
    case '==': {
      const value = parseValue(tokens);
      return (labels) => labels?.[key] === value;
    }
    case '!=': {
      const value = parseValue(tokens);
      return (labels) => labels?.[key] !== value;
    }
    case 'in': {
      const values = parseValues(tokens);
      return (labels) => labels?.[key] !== undefined && values.has(labels[key]);
    }
    case 'notin': {
      const values = parseValues(tokens);
      return (labels) => labels?.[key] === undefined || !values.has(labels[key]);
    }
    case '>':
    case '<': {
      const limit = Number(parseValue(tokens));
      const sign = operator === '>' ? 1 : -1;
      return (labels) => labels?.[key] !== undefined && sign * (Number(labels[key]) - limit) > 0;
    }
    default:
      throw badRequest(`unable to parse requirement: found '${operator}', ${EXPECTED}`);
  }
}

function parseKey(token: string | undefined): string {
  const problems = qualifiedNameProblems(token ?? '');
  if (token !== undefined && problems.length === 0) return token;
  throw badRequest(
    `unable to parse requirement: <nil>: Invalid value: "${token ?? ''}": ${problems.join('; ')}`,
  );
}

function parseValue(tokens: string[]): string {
  const value = tokens.length === 0 || tokens[0] === ',' ? '' : tokens.shift()!;
  const problems = labelValueProblems(value);
  if (problems.length === 0) return value;
  throw badRequest(`unable to parse requirement: values[0][]: Invalid value: "${value}": ${problems[0]}`);
}

function parseValues(tokens: string[]): Set<string> {
  const open = tokens.shift();
  if (open !== '(') throw badRequest(`unable to parse requirement: found '${open ?? ''}', expected: '('`);
  const values = new Set<string>();
  for (;;) {
    const token = tokens.shift();
    if (token === undefined) throw badRequest("unable to parse requirement: found '', expected: ',' or ')'");
    if (token === ')') return values;
    if (token !== ',') values.add(token);
  }
}
