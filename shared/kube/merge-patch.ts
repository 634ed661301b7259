/** JSON merge patches (RFC 7386): what turns one JSON value into another. */

export type JsonObject = Record<string, unknown>;

/**
 * The merge patch that makes `before` into `after`; undefined when they say the same. Members that are undefined count
 * as missing. Lists are written as a whole when they differ.
 */
export function mergePatch(before: unknown, after: JsonObject): JsonObject | undefined {
  const old = isObject(before) ? before : {};
  const patch: JsonObject = {};
  for (const [name, value] of Object.entries(after)) {
    if (value === undefined) continue;
    const change = isObject(value) ? mergePatch(old[name], value) : value;
    const same = isObject(value) ? change === undefined && isObject(old[name]) : sameJson(old[name], value);
    if (!same) patch[name] = change ?? {};
  }
  for (const name of Object.keys(old)) {
    if (old[name] !== undefined && after[name] === undefined) patch[name] = null;
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}

/** Applies a merge patch, as the server does. */
export function applyMergePatch(target: unknown, patch: JsonObject): JsonObject {
  const result: JsonObject = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = isObject(value) ? applyMergePatch(result[name], value) : value;
  }
  return result;
}

/** Whether every change of a patch is within the named fields (`checksum`, `artifact.checksum`). */
export function changesOnly(patch: JsonObject, fields: readonly string[], path = ''): boolean {
  return Object.entries(patch).every(([name, value]) => {
    const field = path + name;
    return fields.includes(field) || (isObject(value) && changesOnly(value, fields, `${field}.`));
  });
}

/** Equality of JSON values; the order of members does not matter, undefined members do not count. */
function sameJson(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((value, index) => sameJson(value, b[index]));
  }
  if (isObject(a) && isObject(b)) return mergePatch(a, b) === undefined;
  return a === b;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
