/** JSON merge patch (RFC 7386). */
import { isTree, type Tree } from './tree.ts';

/** The result shares with `target` what the patch does not touch. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isTree(patch)) return patch;
  const merged: Tree = isTree(target) ? { ...target } : {};
  for (const key in patch) {
    const value = patch[key];
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}
