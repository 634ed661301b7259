/** Rules across fields: CEL in the CRD, a predicate of ours where there is no API server to evaluate CEL. */
import type * as z from 'zod';

export interface Rule<T> {
  /** The CEL expression; `self` is the value that carries the rule. */
  rule: string;
  message: string;
  /** The same in TypeScript. A test of the kind holds both against the same objects. */
  holds(self: T): boolean;
}

/** `schema` with rules. Put descriptions before: the result carries those of `schema`. */
export function withRules<S extends z.ZodType>(schema: S, rules: Rule<z.output<S>>[]): S {
  const checked = rules.reduce(
    (result, rule) => result.refine(rule.holds, { error: rule.message, params: { cel: true } }),
    schema,
  );
  return checked.meta({
    ...schema.meta(),
    'x-kubernetes-validations': rules.map(({ rule, message }) => ({ rule, message })),
  });
}
