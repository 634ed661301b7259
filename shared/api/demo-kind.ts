/** For tests: a kind with everything that a schema of ours may have, and a name that another group has as well. */
import * as z from 'zod';
import { withRules } from './cel.ts';
import { INITIAL_STATUS, Int64, LocalReference, reconcileStatusFields } from './fields.ts';
import { defineKind } from './kind.ts';

const Spec = withRules(
  z
    .object({
      mode: z.enum(['Always', 'Never']).default('Never').describe('When to do it.'),
      interval: z.string().optional(),
      big: Int64.optional(),
      count: z.int().min(1).max(5).optional(),
      ratio: z.number().optional(),
      comment: z.string().min(2).nullable().optional(),
      free: z.looseObject({ known: z.string().optional() }).optional(),
      anything: z.unknown().optional(),
      references: z
        .array(LocalReference)
        .min(1)
        .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
        .optional(),
      nested: z.object({ deep: z.string().default('filled in') }).optional(),
      labels: z.record(z.string(), z.string()).optional(),
    })
    .describe('What a demo wants.'),
  [
    {
      rule: "!has(self.interval) || self.mode == 'Always'",
      message: "spec.interval is only for spec.mode 'Always'",
      holds: ({ interval, mode }) => interval === undefined || mode === 'Always',
    },
    {
      rule: "self.mode != 'Always' || has(self.interval)",
      message: "spec.interval is required when spec.mode is 'Always'",
      holds: ({ interval, mode }) => mode !== 'Always' || interval !== undefined,
    },
  ],
);

export const DEMO = defineKind({
  group: 'demo.longshore.dev',
  kind: 'ImageRepository',
  plural: 'demos',
  singular: 'demo',
  shortNames: [],
  categories: [],
  finalizer: 'demo.longshore.dev/finalizer',
  versions: ['v1'],
  presentation: { v1: { columns: [{ name: 'Mode', type: 'string', jsonPath: '.spec.mode' }] } },
  annotations: { 'demo.longshore.dev/note': 'kept' },
  description: 'A kind for tests.',
  spec: Spec.optional(),
  status: z.object(reconcileStatusFields).default(INITIAL_STATUS),
});
