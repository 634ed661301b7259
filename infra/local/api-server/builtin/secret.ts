/** `Secret`, with the rules of its types. */
import { AGE, NAME } from '../columns.ts';
import { forbiddenValue, invalidValue, type Problem, requiredValue } from '../problems.ts';
import { badRequest } from '../status-error.ts';
import { equal, textAt, treeAt, without } from '../tree.ts';
import { keyProblems } from './config-map.ts';
import { defineBuiltin } from './define.ts';
import { bytesMap, optionalFlag, optionalText, textMap } from './fields.ts';

/** Keys that a Secret of a type must have. */
const REQUIRED_KEYS: Record<string, readonly string[]> = {
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/basic-auth': ['username', 'password'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
};

const JSON_KEYS = ['.dockerconfigjson', '.dockercfg'];
const SIZE_LIMIT = 1024 * 1024;

export const SECRET_RESOURCE = defineBuiltin({
  plural: 'secrets',
  kind: 'Secret',
  description: 'Data that must not be seen by everybody, such as passwords and keys.',
  fields: {
    data: bytesMap.describe('The values in base64, by key.'),
    stringData: textMap.describe(
      'Values as plain text. They are stored in data; this field is never read back.',
    ),
    type: optionalText.describe('What the Secret is for, e.g. kubernetes.io/dockerconfigjson.'),
    immutable: optionalFlag.describe('True: the data cannot be changed any more.'),
  },
  columns: [
    NAME,
    {
      name: 'Type',
      type: 'string',
      description: 'Type of the Secret.',
      cell: (object) => textAt(object, 'type'),
    },
    {
      name: 'Data',
      type: 'string',
      description: 'Number of values.',
      cell: (object) => Object.keys(treeAt(object, 'data')).length,
    },
    AGE,
  ],
  selectableFields: (object) => ({ type: textAt(object, 'type') }),
  prepare(object) {
    for (const value of Object.values(treeAt(object, 'data'))) {
      if (typeof value === 'string' && !isBase64(value)) {
        throw badRequest('Secret in version "v1" cannot be handled as a Secret: illegal base64 data');
      }
    }
    const plain = Object.entries(treeAt(object, 'stringData'));
    const added = plain.map(([key, value]) => [key, Buffer.from(String(value)).toString('base64')]);
    const data = { ...treeAt(object, 'data'), ...Object.fromEntries(added) };
    const prepared = without(object, 'stringData') as typeof object;
    return {
      ...prepared,
      ...(Object.keys(data).length > 0 && { data }),
      type: textAt(object, 'type') || 'Opaque',
    };
  },
  check(object, before) {
    const data = treeAt(object, 'data');
    const type = textAt(object, 'type');
    const problems = Object.keys(data).flatMap((key) => keyProblems('data', key));
    for (const key of REQUIRED_KEYS[type] ?? []) {
      if (data[key] === undefined) problems.push(requiredValue(`data[${key}]`));
      else if (JSON_KEYS.includes(key) && !isJson(String(data[key]))) {
        const why = 'the content is not valid JSON';
        problems.push(invalidValue(`data[${key}]`, '<secret contents redacted>', why));
      }
    }
    const size = Object.values(data).reduce<number>((sum, value) => sum + String(value).length * 0.75, 0);
    if (size > SIZE_LIMIT) {
      const message = `Too long: may not be more than ${SIZE_LIMIT} bytes`;
      problems.push({ field: 'data', reason: 'FieldValueTooLong', message });
    }
    if (before && textAt(before, 'type') !== type) {
      problems.push(invalidValue('type', type, 'field is immutable'));
    }
    return [...problems, ...immutabilityProblems(object, before, ['data'])];
  },
});

/** What a change of an object that is marked immutable breaks; also used for ConfigMaps. */
export function immutabilityProblems(
  object: Record<string, unknown>,
  before: Record<string, unknown> | undefined,
  fields: readonly string[],
): Problem[] {
  if (before?.immutable !== true) return [];
  const changed = fields.filter((field) => !equal(object[field], before[field]));
  if (object.immutable !== true) changed.unshift('immutable');
  return changed.map((field) => forbiddenValue(field, 'field is immutable when `immutable` is set'));
}

function isBase64(value: string): boolean {
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(
    value.replace(/[\r\n]/g, ''),
  );
}

function isJson(base64: string): boolean {
  try {
    JSON.parse(Buffer.from(base64, 'base64').toString());
    return true;
  } catch {
    return false;
  }
}
