/** Tables: what `kubectl get` asks for, so that the server decides which columns a kind has. */
import type { ApiObject } from './api-object.ts';
import { withVersion } from './cluster-state.ts';
import type { Stored } from './collection.ts';
import { groupVersion, type ResourceDefinition } from './resource-definition.ts';
import { badRequest } from './status-error.ts';

/** What a row carries beside its cells. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

/** @throws StatusError 400 */
export function parseIncludeObject(value: string | null): IncludeObject {
  if (value === null || value === '') return 'Metadata';
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value;
  throw badRequest(`unrecognized includeObject value: ${JSON.stringify(value)}`);
}

/**
 * The JSON of a table.
 * @param metadata of the list (or of the one object's version)
 * @param withColumns false for the later events of a watch, which repeat none
 */
export function renderTable(
  definition: ResourceDefinition,
  version: string,
  rows: readonly Stored[],
  options: { include: IncludeObject; now: number; metadata: object; withColumns?: boolean },
): string {
  const columns = definition.columns(version);
  const definitions = columns.map(({ name, type, format = '', description, priority = 0 }) => ({
    name,
    type,
    format,
    description,
    priority,
  }));
  const head = JSON.stringify({
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: options.metadata,
    columnDefinitions: options.withColumns === false ? [] : definitions,
  });
  const texts = rows.map((stored) => {
    const shown = definition.present?.(stored.object) ?? stored.object;
    const cells = JSON.stringify(columns.map((column) => column.cell(shown, options.now)));
    const object = renderRowObject(definition, version, stored, options.include);
    return `{"cells":${cells},"object":${object}}`;
  });
  return `${head.slice(0, -1)},"rows":[${texts.join(',')}]}`;
}

function renderRowObject(
  definition: ResourceDefinition,
  version: string,
  stored: Stored,
  include: IncludeObject,
): string {
  if (include === 'None') return 'null';
  if (include === 'Metadata') return renderMetadata(stored.object, 'meta.k8s.io/v1');
  if (definition.present) return JSON.stringify(definition.present(stored.object));
  return withVersion(groupVersion(definition.group, version), definition.kind, stored.tail);
}

/** An object's metadata alone. */
export function renderMetadata(object: ApiObject, apiVersion: string): string {
  return JSON.stringify({ kind: 'PartialObjectMetadata', apiVersion, metadata: object.metadata });
}
