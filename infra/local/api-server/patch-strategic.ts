/**
 * Strategic merge patch, for built-in types: like a merge patch, but lists whose schema names a merge key are
 * merged item by item, and directives (`$patch`, `$setElementOrder/…`, `$deleteFromPrimitiveList/…`, `$retainKeys`)
 * say what a merge cannot.
 */
import { memberSchema, patchMerge, type Schema } from './schema.ts';
import { badRequest } from './status-error.ts';
import { equal, isTree, type Tree } from './tree.ts';

/** @throws StatusError 400 for a directive that makes no sense */
export function strategicPatch(schema: Schema | undefined, target: unknown, patch: unknown): unknown {
  if (!isTree(patch)) return patch;
  if (patch.$patch === 'replace') return withoutDirectives(patch);
  if (patch.$patch === 'delete') return {};
  if (patch.$patch !== undefined) throw badRequest(`invalid patch: $patch: ${JSON.stringify(patch.$patch)}`);
  const merged: Tree = isTree(target) ? { ...target } : {};
  const retained = patch.$retainKeys;
  if (Array.isArray(retained)) {
    for (const key in merged) if (!retained.includes(key)) delete merged[key];
  }
  for (const key in patch) {
    if (key.startsWith('$')) continue;
    const value = patch[key];
    const member = memberSchema(schema, key);
    if (value === null) delete merged[key];
    else if (Array.isArray(value)) merged[key] = mergeList(member, merged[key], value);
    else merged[key] = strategicPatch(member, merged[key], value);
  }
  for (const key in patch) applyListDirective(schema, merged, key, patch[key]);
  return merged;
}

function withoutDirectives(tree: Tree): Tree {
  return Object.fromEntries(Object.entries(tree).filter(([key]) => !key.startsWith('$')));
}

function mergeList(schema: Schema | undefined, target: unknown, patch: unknown[]): unknown[] {
  const current = Array.isArray(target) ? target : [];
  const directives = patch.filter((item) => isTree(item) && item.$patch === 'replace');
  const items = patch.filter((item) => !directives.includes(item));
  const merging = patchMerge(schema);
  if (!merging || directives.length > 0) {
    return items.map((item) => (isTree(item) ? withoutDirectives(item) : item));
  }
  const mergeKey = merging.key;
  if (!mergeKey) return [...current, ...items.filter((item) => !current.some((old) => equal(old, item)))];
  return mergeByKey(schema, mergeKey, current, items);
}

function mergeByKey(
  schema: Schema | undefined,
  mergeKey: string,
  current: unknown[],
  patch: unknown[],
): unknown[] {
  let merged = current;
  for (const item of patch) {
    const key = isTree(item) ? item[mergeKey] : undefined;
    if (!isTree(item) || key === undefined) {
      throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`);
    }
    const at = merged.findIndex((old) => isTree(old) && equal(old[mergeKey], key));
    if (item.$patch === 'delete') merged = merged.filter((_, index) => index !== at);
    else if (at < 0) merged = [...merged, withoutDirectives(item)];
    else merged = merged.with(at, strategicPatch(schema?.items, merged[at], item));
  }
  return merged;
}

function applyListDirective(
  schema: Schema | undefined,
  merged: Tree,
  directive: string,
  value: unknown,
): void {
  const [name, key] = directive.split('/', 2);
  const list = key === undefined ? undefined : merged[key];
  if (key === undefined || !Array.isArray(list) || !Array.isArray(value)) return;
  if (name === '$deleteFromPrimitiveList') merged[key] = list.filter((item) => !value.includes(item));
  if (name !== '$setElementOrder') return;
  const mergeKey = patchMerge(memberSchema(schema, key))?.key;
  const nameOf = (item: unknown) => (mergeKey && isTree(item) ? item[mergeKey] : item);
  const order = value.map(nameOf);
  const rank = (item: unknown) => {
    const index = order.findIndex((other) => equal(other, nameOf(item)));
    return index < 0 ? order.length : index;
  };
  merged[key] = list.toSorted((a, b) => rank(a) - rank(b));
}
