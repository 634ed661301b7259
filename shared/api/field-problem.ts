/** What the API server says about a field that it refuses. */
import type * as z from 'zod';
import { memberSchema, type StructuralSchema } from './structural-schema.ts';

/** A field that an object must not have as it is. `reason` and `message` are a cause of the `Status` object. */
export interface FieldProblem {
  /** E.g. `spec.exclusionList[3]`. */
  field: string;
  reason:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueNotSupported'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueTypeInvalid';
  /** Without the field's name, e.g. `Required value`. */
  message: string;
}

/** One line of an answer: `spec.interval: Required value`. */
export function problemText(problem: FieldProblem): string {
  return `${problem.field}: ${problem.message}`;
}

/** An issue of zod in the words of the API server. `object` is the one that was parsed, `schema` that of its kind. */
export function describeIssue(
  issue: z.core.$ZodIssue,
  object: object,
  schema: StructuralSchema,
): FieldProblem {
  const field = fieldPath(issue.path);
  const value = issue.path.reduce<unknown>(
    (at, key) => (at as Record<string, unknown> | undefined)?.[key as string],
    object,
  );
  if (value === undefined && issue.code !== 'custom') {
    return { field, reason: 'FieldValueRequired', message: 'Required value' };
  }
  const invalid = (shown: unknown, text: string): FieldProblem => ({
    field,
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${JSON.stringify(shown)}: ${text}`,
  });
  switch (issue.code) {
    case 'invalid_type': {
      const wrong = typeOf(value);
      const text = `${field} in body must be of type ${typeAt(schema, issue.path)}: "${wrong}"`;
      return { ...invalid(wrong, text), reason: 'FieldValueTypeInvalid' };
    }
    case 'invalid_value': {
      const supported = issue.values.map((each) => JSON.stringify(each)).join(', ');
      return {
        field,
        reason: 'FieldValueNotSupported',
        message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported}`,
      };
    }
    case 'invalid_format':
      return issue.format === 'regex'
        ? invalid(value, `${field} in body should match '${patternText(issue)}'`)
        : invalid(value, `${field} in body must be of type date-time: ${JSON.stringify(value)}`);
    case 'too_big':
      return tooBig(issue, field, value, invalid);
    case 'too_small':
      return issue.origin === 'string'
        ? invalid(value, `${field} in body should be at least ${issue.minimum} chars long`)
        : issue.origin === 'array'
          ? invalid(
              (value as unknown[]).length,
              `${field} in body should have at least ${issue.minimum} items`,
            )
          : invalid(value, `${field} in body should be greater than or equal to ${issue.minimum}`);
    default:
      return { field, reason: 'FieldValueInvalid', message: `Invalid value: ${issue.message}` };
  }
}

function tooBig(
  issue: z.core.$ZodIssueTooBig,
  field: string,
  value: unknown,
  invalid: (shown: unknown, text: string) => FieldProblem,
): FieldProblem {
  if (issue.origin === 'string') {
    const message = `Too long: may not be more than ${issue.maximum} bytes`;
    return { field, reason: 'FieldValueTooLong', message };
  }
  if (issue.origin === 'array') {
    const message = `Too many: ${(value as unknown[]).length}: must have at most ${issue.maximum} items`;
    return { field, reason: 'FieldValueTooMany', message };
  }
  return invalid(value, `${field} in body should be less than or equal to ${issue.maximum}`);
}

/** The type that the schema wants at `path`. */
function typeAt(schema: StructuralSchema, path: PropertyKey[]): string {
  const node = path.reduce<StructuralSchema | undefined>(
    (at, key) => at && (typeof key === 'number' ? at.items : memberSchema(at, String(key))),
    schema,
  );
  return node?.type ?? 'object';
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

function patternText(issue: z.core.$ZodIssueInvalidStringFormat): string {
  return (issue.pattern ?? '').replace(/^\/|\/[a-z]*$/g, '').replaceAll('\\/', '/');
}

function fieldPath(path: PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`,
    '',
  );
}
