/** PATCH: which kinds of patches a resource takes, and what they make of an object. */
import { readObject } from './admission.ts';
import type { ApiObject } from './api-object.ts';
import { withVersion } from './cluster-state.ts';
import { keyOf } from './collection.ts';
import { applyPatch } from './patch-apply.ts';
import { jsonPatch } from './patch-json.ts';
import { mergePatch } from './patch-merge.ts';
import { strategicPatch } from './patch-strategic.ts';
import { mediaType, parseJson, parseYaml } from './request-body.ts';
import { groupVersion } from './resource-definition.ts';
import type { ServerContext } from './server-context.ts';
import { badRequest, notFound, unsupportedMediaType } from './status-error.ts';
import { requireStored, type Target } from './target.ts';
import { isTree, textAt, without } from './tree.ts';
import { readWriteOptions, type WriteOptions } from './write-options.ts';
import { createObject, updateObject, type WriteResult } from './writes.ts';

const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const STRATEGIC_PATCH = 'application/strategic-merge-patch+json';
const APPLY_PATCH = 'application/apply-patch+yaml';

/** The patch types of built-in and of custom resources. */
export function acceptedPatches(custom: boolean): string[] {
  return [JSON_PATCH, MERGE_PATCH, ...(custom ? [] : [STRATEGIC_PATCH]), APPLY_PATCH];
}

export interface PatchRequest {
  contentType: string | undefined;
  body: Buffer;
  query: URLSearchParams;
  userAgent: string;
  warnings: string[];
}

/** @throws StatusError 400, 404, 409, 415, 422 */
export async function patchObject(
  context: ServerContext,
  target: Target,
  request: PatchRequest,
): Promise<WriteResult> {
  const type = mediaType(request.contentType);
  const accepted = acceptedPatches(target.definition.custom);
  if (!accepted.includes(type)) throw unsupportedMediaType(type, accepted);
  const options = readWriteOptions(request.query, 'PatchOptions', request.userAgent, type === APPLY_PATCH);
  if (type === APPLY_PATCH) {
    return applyObject(context, target, await parseYaml(request.body), options, request.warnings);
  }
  const patch = parseJson(request.body);
  const { object, tail } = requireStored(context, target);
  const { definition } = target;
  const current: ApiObject = { ...object, apiVersion: groupVersion(definition.group, target.version) };
  const patched =
    type === JSON_PATCH
      ? jsonPatch(JSON.parse(withVersion(current.apiVersion, current.kind, tail)), patch)
      : type === STRATEGIC_PATCH
        ? strategicPatch(definition.schema, current, requireTree(patch))
        : mergePatch(current, requireTree(patch));
  return updateObject(context, target, patched, { options, warnings: request.warnings, how: 'patch' });
}

function requireTree(patch: unknown): unknown {
  if (isTree(patch)) return patch;
  throw badRequest('error decoding patch: a merge patch is a JSON object');
}

function applyObject(
  context: ServerContext,
  target: Target,
  raw: unknown,
  options: WriteOptions,
  warnings: string[],
): WriteResult {
  const { definition, version, namespace, name, subresource } = target;
  if (isTree(raw) && isTree(raw.metadata) && raw.metadata.managedFields) {
    throw badRequest('metadata.managedFields must be nil');
  }
  const wanted = readObject(definition, version, raw, options, 'body', warnings);
  if (wanted.metadata.name !== name) {
    throw badRequest(
      wanted.metadata.name === ''
        ? `the name of the object (${name} based on URL) was undeterminable: name must be provided`
        : `the name of the object (${wanted.metadata.name}) does not match the name on the URL (${name})`,
    );
  }
  const stored = context.state.collection(definition).get(keyOf(namespace, name));
  if (!stored && subresource !== '') throw notFound(definition, name);
  const blank: ApiObject = { apiVersion: wanted.apiVersion, kind: wanted.kind, metadata: { name } };
  const mine = subresource === 'status' || !definition.statusSubresource ? wanted : withoutStatus(wanted);
  const writer = {
    manager: options.manager,
    operation: 'Apply' as const,
    apiVersion: groupVersion(definition.group, version),
    subresource,
  };
  const now = context.now();
  const applied = applyPatch(definition.schema, stored?.object ?? blank, mine, writer, options.force, now);
  const { object, managedFields } = applied;
  const write = { options, warnings, how: 'body' as const, managedFields };
  const result = { ...object, apiVersion: writer.apiVersion };
  if (!stored) return createObject(context, target, result, write);
  const resourceVersion =
    textAt(raw, 'metadata', 'resourceVersion') || stored.object.metadata.resourceVersion;
  const guarded = {
    ...result,
    metadata: { ...object.metadata, ...(resourceVersion && { resourceVersion }) },
  };
  return updateObject(context, target, guarded, write);
}

const withoutStatus = (object: ApiObject) => without(object, 'status') as ApiObject;
