/** Small functions over JSON values. Nothing here changes what it is given: stored objects are shared. */

export type Tree = Record<string, unknown>;

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The tree under `key`, or an empty one. */
export function treeAt(value: unknown, key: string): Tree {
  const found = isTree(value) ? value[key] : undefined;
  return isTree(found) ? found : {};
}

/** The value at the end of `path`; undefined where something on the way is missing. */
export function valueAt(value: unknown, ...path: string[]): unknown {
  let found = value;
  for (const key of path) found = isTree(found) ? found[key] : undefined;
  return found;
}

/** The text at the end of `path`; empty where there is none. */
export function textAt(value: unknown, ...path: string[]): string {
  const found = valueAt(value, ...path);
  return typeof found === 'string' ? found : '';
}

/** Equality of JSON values; the order of keys does not matter, `undefined` members count as absent. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => equal(item, b[index]));
  }
  if (!isTree(a) || !isTree(b)) return false;
  for (const key in a) if (!equal(a[key], b[key])) return false;
  for (const key in b) if (b[key] !== undefined && a[key] === undefined) return false;
  return true;
}

/** `tree` without `key`; the same tree when it has none. */
export function without(tree: Tree, key: string): Tree {
  if (!(key in tree)) return tree;
  const { [key]: _, ...rest } = tree;
  return rest;
}
