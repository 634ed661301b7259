/**
 * OpenAPI v3, as far as kubectl reads it: schemas for `explain`, strategic merge and `edit`, and that PATCH takes
 * `fieldValidation`, which makes kubectl leave validation to the server.
 */
import { createHash } from 'node:crypto';
import { META_SCHEMA } from './meta-schema.ts';
import { acceptedPatches } from './patches.ts';
import type { Registry } from './registry.ts';
import { groupVersion, type ResourceDefinition } from './resource-definition.ts';
import type { Schema } from './schema.ts';

const META_NAME = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
const REF = '#/components/schemas/';

const QUERY = ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => ({
  name,
  in: 'query',
  schema: { type: 'string' },
}));
const FORCE = { name: 'force', in: 'query', schema: { type: 'boolean' } };

/** `/openapi/v3`: the document of every version, with a hash by which clients cache it. */
export function openApiIndex(registry: Registry): object {
  const paths: Record<string, object> = {};
  for (const [group, versions] of registry.groups()) {
    for (const version of versions) {
      const path = rootOf(group, version).slice(1);
      const hash = createHash('sha256')
        .update(JSON.stringify(openApiDocument(registry, group, version)))
        .digest('hex')
        .toUpperCase();
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
    }
  }
  return { paths };
}

/** `/openapi/v3/api/v1`, `/openapi/v3/apis/<group>/<version>`; undefined when there is no such version. */
export function openApiDocument(registry: Registry, group: string, version: string): object | undefined {
  const definitions = registry.inVersion(group, version);
  if (definitions.length === 0) return undefined;
  const schemas: Record<string, Schema> = { [META_NAME]: META_SCHEMA };
  const paths: Record<string, object> = {};
  for (const definition of definitions) {
    const name = schemaName(definition, version);
    schemas[name] = publishedSchema(definition, version);
    Object.assign(paths, pathsOf(definition, version, name));
  }
  return {
    openapi: '3.0.0',
    info: { title: 'Longshore embedded control plane', version: 'v1.36' },
    paths,
    components: { schemas },
  };
}

function rootOf(group: string, version: string): string {
  return group === '' ? `/api/${version}` : `/apis/${groupVersion(group, version)}`;
}

/** Names as the real server gives them: the group's parts reversed for custom resources. */
function schemaName({ group, kind, custom }: ResourceDefinition, version: string): string {
  if (custom) return `${group.split('.').reverse().join('.')}.${version}.${kind}`;
  return `io.k8s.api.${group === '' ? 'core' : group.split('.')[0]}.${version}.${kind}`;
}

function publishedSchema(definition: ResourceDefinition, version: string): Schema {
  const { group, kind, schema } = definition;
  return {
    ...schema,
    properties: {
      ...schema.properties,
      metadata: { description: META_SCHEMA.description ?? '', allOf: [{ $ref: REF + META_NAME }] },
    },
    'x-kubernetes-group-version-kind': [{ group, version, kind }],
  };
}

function pathsOf(definition: ResourceDefinition, version: string, name: string): Record<string, object> {
  const { group, kind, plural, namespaced, custom, verbs } = definition;
  const root = rootOf(group, version);
  const all = namespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`;
  const one = `${all}/{name}`;
  const content = { 'application/json': { schema: { $ref: REF + name } } };
  const operation = (action: string, more: object = {}) => ({
    description: `${action} ${kind}`,
    parameters: [],
    responses: { 200: { description: 'OK', content } },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, version, kind },
    ...more,
  });
  const writing = { parameters: QUERY, requestBody: { content, required: true } };
  const patchTypes = acceptedPatches(custom).map((type) => [type, { schema: { type: 'object' } }]);
  const patch = operation('patch', {
    parameters: [...QUERY, FORCE],
    requestBody: { content: Object.fromEntries(patchTypes), required: true },
  });
  const writable = verbs.includes('update');
  const paths: Record<string, object> = {
    [all]: { get: operation('list'), ...(writable && { post: operation('post', writing) }) },
    [one]: {
      get: operation('get'),
      ...(writable && { put: operation('put', writing), patch, delete: operation('delete') }),
    },
  };
  if (writable && definition.statusSubresource) {
    paths[`${one}/status`] = { get: operation('get'), put: operation('put', writing), patch };
  }
  if (namespaced) paths[`${root}/${plural}`] = { get: operation('list') };
  return paths;
}
