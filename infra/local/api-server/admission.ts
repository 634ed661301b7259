/** From what a client sent to an object that may be stored: shape, defaults, rules. */
import type { ApiMeta, ApiObject } from './api-object.ts';
import { readMeta } from './meta-schema.ts';
import { validateMeta } from './names.ts';
import { invalidValue, type Problem } from './problems.ts';
import { groupVersion, type ResourceDefinition } from './resource-definition.ts';
import { badRequest, invalid, type StatusError } from './status-error.ts';
import { isTree, type Tree, textAt } from './tree.ts';
import type { WriteOptions } from './write-options.ts';

/**
 * Reads an object of the resource: right kind and version, known fields only, stored version.
 * @param how `patch` when the object is the result of one: errors then name the patch
 * @param warnings receives a line for every unknown field, unless they are refused or ignored
 * @param isStatus only status and identity are of interest: nothing else is in the result
 * @throws StatusError 400 or 422
 */
export function readObject(
  definition: ResourceDefinition,
  version: string,
  raw: unknown,
  options: WriteOptions,
  how: 'body' | 'patch',
  warnings: string[],
  isStatus = false,
): ApiObject {
  if (!isTree(raw))
    throw badRequest(`the object provided is unrecognized (must be of type ${definition.kind})`);
  const typed = checkType(definition, version, raw, how);
  const metadata = isTree(raw.metadata) ? raw.metadata : {};
  const unknown: string[] = [];
  const object = isStatus
    ? { apiVersion: typed.apiVersion, kind: typed.kind, metadata: identityOf(metadata), status: typed.status }
    : { ...typed, metadata: readWholeMeta(definition, version, metadata, unknown) };
  const pruned = definition.prune(definition.custom ? object : (dropNulls(object) as ApiObject));
  reportUnknown(definition, version, [...unknown, ...pruned.unknown], options, how, warnings);
  return pruned.object;
}

function checkType(
  definition: ResourceDefinition,
  version: string,
  raw: Tree,
  how: 'body' | 'patch',
): { apiVersion: string; kind: string } & Tree {
  const expected = groupVersion(definition.group, version);
  const kind = textAt(raw, 'kind');
  const apiVersion = textAt(raw, 'apiVersion');
  const stored = groupVersion(definition.group, definition.versions[0]!);
  if (definition.custom) {
    if (kind === '') throw badRequest(`the object provided is unrecognized: Object 'Kind' is missing`);
    if (how === 'body' && apiVersion !== expected) {
      throw badRequest(
        `the API version in the data (${apiVersion}) does not match the expected API version (${expected})`,
      );
    }
    const problems: Problem[] = [];
    if (kind !== definition.kind) problems.push(invalidValue('kind', kind, `must be ${definition.kind}`));
    if (apiVersion !== expected) {
      problems.push(invalidValue('apiVersion', apiVersion, `must be ${expected}`));
    }
    if (problems.length > 0) {
      throw invalid({ group: definition.group, kind }, textAt(raw, 'metadata', 'name'), problems);
    }
  } else if ((kind !== '' && kind !== definition.kind) || (apiVersion !== '' && apiVersion !== expected)) {
    const what = `${kind || definition.kind} in version "${apiVersion || expected}"`;
    throw badRequest(`${what} cannot be handled as a ${definition.kind} of ${expected}`);
  }
  return { ...raw, apiVersion: stored, kind: definition.kind };
}

function readWholeMeta(
  definition: ResourceDefinition,
  version: string,
  metadata: Tree,
  unknown: string[],
): ApiMeta {
  const { meta, problems } = readMeta(metadata, unknown);
  if (problems.length > 0) throw undecodable(definition, version, problems.map(problemText).join(', '));
  return meta;
}

/** What a write of the status looks at. */
function identityOf(metadata: Tree): ApiMeta {
  return {
    name: textAt(metadata, 'name'),
    namespace: textAt(metadata, 'namespace'),
    uid: textAt(metadata, 'uid'),
    resourceVersion: textAt(metadata, 'resourceVersion'),
  };
}

/** Built-in types treat null as absent. */
function dropNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dropNulls);
  if (!isTree(value)) return value;
  const kept: Tree = {};
  for (const key in value) if (value[key] !== null) kept[key] = dropNulls(value[key]);
  return kept;
}

function reportUnknown(
  definition: ResourceDefinition,
  version: string,
  unknown: string[],
  options: WriteOptions,
  how: 'body' | 'patch',
  warnings: string[],
): void {
  if (unknown.length === 0 || options.fieldValidation === 'Ignore') return;
  const texts = unknown.map((path) => `unknown field ${JSON.stringify(path)}`);
  if (options.fieldValidation === 'Warn') {
    warnings.push(...texts);
    return;
  }
  const text = `strict decoding error: ${texts.join(', ')}`;
  if (how === 'body') throw undecodable(definition, version, text);
  const message = `Invalid value: ${text}`;
  throw invalid(definition, '', [{ field: 'patch', reason: 'FieldValueInvalid', message }]);
}

/**
 * The object with defaults and what the server adds, checked.
 * @throws StatusError 422 with every broken rule
 */
export function admit(
  definition: ResourceDefinition,
  object: ApiObject,
  before: ApiObject | undefined,
  now: number,
): ApiObject {
  const filled = definition.applyDefaults(object);
  const prepared = definition.prepare?.(filled, before, { now }) ?? filled;
  const schemaProblems = definition.validate(prepared);
  if (!definition.custom && schemaProblems.some((problem) => problem.reason === 'FieldValueTypeInvalid')) {
    throw undecodable(definition, definition.versions[0]!, schemaProblems.map(problemText).join(', '));
  }
  const problems = [
    ...(before && before.metadata === prepared.metadata
      ? []
      : validateMeta(prepared.metadata, definition.nameRule)),
    ...schemaProblems,
    ...(definition.check?.(prepared, before) ?? []),
  ];
  if (problems.length > 0) throw invalid(definition, prepared.metadata.name, problems);
  return prepared;
}

function undecodable(definition: ResourceDefinition, version: string, why: string): StatusError {
  const what = `${definition.kind} in version ${JSON.stringify(version)}`;
  return badRequest(`${what} cannot be handled as a ${definition.kind}: ${why}`);
}

const problemText = (problem: Problem) => `${problem.field}: ${problem.message}`;
