/** Columns that many resources have, and those that a CustomResourceDefinition describes. */
import type { Column } from '../../../shared/api/kind.ts';
import { ageSince } from './age.ts';
import { findPath } from './json-path.ts';
import type { TableColumn } from './resource-definition.ts';

export const NAME: TableColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name of the object, unique in its namespace.',
  cell: (object) => object.metadata.name,
};

export const AGE: TableColumn = {
  name: 'Age',
  type: 'string',
  description: 'Time since the object was created.',
  cell: (object, now) => ageSince(object.metadata.creationTimestamp, now),
};

/** A printer column as a table column. Nothing at the path: an empty cell. */
export function printerColumn(column: Column): TableColumn {
  const { name, jsonPath, type, priority = 0 } = column;
  const description =
    column.description ?? `Custom resource definition column (in JSONPath format): ${jsonPath}`;
  return {
    name,
    type,
    description,
    priority,
    cell(object, now) {
      const values = findPath(jsonPath, object);
      if (values.length === 0) return null;
      if (type === 'date') return ageSince(values[0], now);
      if (type === 'string') return values.map(textOf).join(' ');
      const value = values[0];
      return typeof value === type || (type === 'integer' && Number.isInteger(value))
        ? (value as string | number | boolean)
        : null;
    },
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
