/** `ConfigMap`. */
import { AGE, NAME } from '../columns.ts';
import { invalidValue, type Problem } from '../problems.ts';
import { treeAt } from '../tree.ts';
import { defineBuiltin } from './define.ts';
import { bytesMap, optionalFlag, textMap } from './fields.ts';
import { immutabilityProblems } from './secret.ts';

const KEY_TEXT =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

export const CONFIG_MAP_RESOURCE = defineBuiltin({
  plural: 'configmaps',
  kind: 'ConfigMap',
  shortNames: ['cm'],
  description: 'Settings as keys and values.',
  fields: {
    data: textMap.describe('The values, by key.'),
    binaryData: bytesMap.describe('Values that are no text, in base64, by key.'),
    immutable: optionalFlag.describe('True: the data cannot be changed any more.'),
  },
  columns: [
    NAME,
    {
      name: 'Data',
      type: 'string',
      description: 'Number of values.',
      cell: (object) =>
        Object.keys(treeAt(object, 'data')).length + Object.keys(treeAt(object, 'binaryData')).length,
    },
    AGE,
  ],
  check(object, before) {
    const fields = ['data', 'binaryData'];
    const problems = fields.flatMap((field) =>
      Object.keys(treeAt(object, field)).flatMap((key) => keyProblems(field, key)),
    );
    return [...problems, ...immutabilityProblems(object, before, fields)];
  },
});

/** What is wrong with a key of a ConfigMap or Secret. */
export function keyProblems(field: string, key: string): Problem[] {
  const fits = /^[-._a-zA-Z0-9]{1,253}$/.test(key) && key !== '.' && !key.startsWith('..');
  return fits ? [] : [invalidValue(`${field}[${key}]`, key, KEY_TEXT)];
}
