/** Field schemas that several kinds use. Descriptions are what `kubectl explain` prints. */
import * as z from 'zod';

export const ApiVersion = z
  .string()
  .describe('Group and version of the schema in which this object is written.')
  .optional();
export const KindName = z.string().describe('Name of the kind of this object.').optional();
/** The API server validates metadata itself; a CRD may not say more than this. */
export const Metadata = z.looseObject({}).optional();

/** A whole number of 64 bits; beyond 2^53 JavaScript could not hold it. */
export const Int64 = z.int().meta({ format: 'int64' });

/** RFC 3339. */
export const DateTime = z.iso.datetime({ offset: true });

/** A Go duration as `spec.interval` takes it: no sign, a unit after every number. */
export const Duration = z.string().regex(/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/);

/** As `Duration`, without hours (spec 2.3, `timeout`). */
export const ShortDuration = z.string().regex(/^([0-9]+(\.[0-9]+)?(ms|s|m))+$/);

/** Whatever Go reads as a duration that is not negative: also hours in a timeout, fractions and `0` (decisions 12). */
export const GoDuration = z.string().regex(/^\+?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$/);

/** Names an object in the namespace of the one that refers to it. */
export const LocalReference = z.object({ name: z.string().describe('Name of the object referred to.') });

/** `metav1.Condition` (spec 2.8). */
export const ConditionField = z
  .object({
    type: z
      .string()
      .max(316)
      .regex(
        /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$/,
      )
      .describe('Which side of the state this is about, e.g. Ready.'),
    status: z.enum(['True', 'False', 'Unknown']).describe('Whether the condition holds.'),
    reason: z
      .string()
      .min(1)
      .max(1024)
      .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/)
      .describe('The cause of the last transition as one CamelCase word, for programs.'),
    message: z.string().max(32768).describe('What happened, for people. May be empty.'),
    lastTransitionTime: DateTime.describe('When the condition last changed.'),
    observedGeneration: Int64.min(0)
      .optional()
      .describe('The metadata.generation that this condition is about.'),
  })
  .describe('One side of the observed state.');

/** What every status of the toolkit has. */
export const reconcileStatusFields = {
  conditions: z.array(ConditionField).optional().describe('The observed state, one entry a side of it.'),
  observedGeneration: Int64.optional().describe(
    'The last metadata.generation that was brought to an end, well or stalled; -1 before the first.',
  ),
  lastHandledReconcileAt: z
    .string()
    .optional()
    .describe(
      'The last value of the annotation reconcile.fluxcd.io/requestedAt that was acted upon. Any other value asks for a new run.',
    ),
};

/** What a status is before its first write. */
export const INITIAL_STATUS = { observedGeneration: -1 };
