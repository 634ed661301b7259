/** Who reads whom: when an object changes, those that refer to it run (design section 3, IR-POL-6). Texts are `keyText`s. */

export interface Dependencies {
  /** Replaces what `dependent` refers to; an empty list forgets it. */
  set(dependent: string, targets: readonly string[]): void;
  /** Those that refer to `target`. */
  of(target: string): Iterable<string>;
  /** What `dependent` refers to. */
  targetsOf(dependent: string): readonly string[];
}

export function createDependencies(): Dependencies {
  const targetsOf = new Map<string, readonly string[]>();
  const dependentsOf = new Map<string, Set<string>>();

  const unlink = (dependent: string) => {
    for (const target of targetsOf.get(dependent) ?? []) {
      const dependents = dependentsOf.get(target);
      dependents?.delete(dependent);
      if (dependents?.size === 0) dependentsOf.delete(target);
    }
    targetsOf.delete(dependent);
  };

  return {
    set(dependent, targets) {
      unlink(dependent);
      if (targets.length === 0) return;
      targetsOf.set(dependent, targets);
      for (const target of targets) {
        const dependents = dependentsOf.get(target);
        if (dependents) dependents.add(dependent);
        else dependentsOf.set(target, new Set([dependent]));
      }
    },
    of: (target) => [...(dependentsOf.get(target) ?? [])],
    targetsOf: (dependent) => targetsOf.get(dependent) ?? [],
  };
}
