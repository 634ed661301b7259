/** The schema of `ImagePolicy` (spec 2): what its CRD says and the embedded control plane checks. */
import * as z from 'zod';
import { withRules } from './cel.ts';
import { Duration, INITIAL_STATUS, reconcileStatusFields } from './fields.ts';
import { IMAGE_POLICY, INTERVAL_MISSING, INTERVAL_UNUSED } from './image-policy.ts';
import { type Column, defineKind } from './kind.ts';

const Order = z
  .enum(['asc', 'desc'])
  .default('asc')
  .describe('asc: the last one in ascending order is chosen, e.g. the highest number. desc: the first one.');

const PolicyChoice = z
  .object({
    semver: z
      .object({
        range: z
          .string()
          .describe('Range of versions, e.g. 1.x or >=1.0.0 <2.0.0. The highest version in it is chosen.'),
      })
      .optional()
      .describe('Orders tags as semantic versions. Tags that are no version do not take part.'),
    alphabetical: z.object({ order: Order }).optional().describe('Orders tags by their bytes.'),
    numerical: z
      .object({ order: Order })
      .optional()
      .describe('Orders tags as numbers. A tag that is no number is an error: leave it out by filterTags.'),
  })
  .describe('How tags are ordered. One of semver, alphabetical and numerical is to be set.');

const Spec = withRules(
  z
    .object({
      imageRepositoryRef: z
        .object({
          name: z.string().describe('Name of the ImageRepository.'),
          namespace: z
            .string()
            .optional()
            .describe(
              'Its namespace; by default that of the policy. Another one must allow it by accessFrom.',
            ),
        })
        .describe('The ImageRepository whose tags are chosen from.'),
      policy: PolicyChoice,
      filterTags: z
        .object({
          pattern: z
            .string()
            .optional()
            .describe('Regular expression (RE2). Tags that it does not match anywhere do not take part.'),
          extract: z
            .string()
            .optional()
            .describe(
              'What of a tag is ordered, with the groups of the pattern, e.g. $timestamp or $1.$2. Empty: the whole tag.',
            ),
        })
        .optional()
        .describe('Which tags take part in the choice, and which part of them is compared.'),
      digestReflectionPolicy: z
        .enum(['Always', 'IfNotPresent', 'Never'])
        .default('Never')
        .describe(
          'Whether status.latestRef has the digest of the tag. IfNotPresent: the one that the tag had when it was chosen. Always: the one that it has now, looked up at every interval.',
        ),
      interval: Duration.optional().describe(
        "Time between two looks at the digest, e.g. 10m. To be set if and only if digestReflectionPolicy is 'Always'.",
      ),
      suspend: z.boolean().optional().describe('No further choices while true.'),
    })
    .describe('What to choose, and how.'),
  [
    {
      rule: "!has(self.interval) || (has(self.digestReflectionPolicy) && self.digestReflectionPolicy == 'Always')",
      message: INTERVAL_UNUSED,
      holds: ({ interval, digestReflectionPolicy }) =>
        interval === undefined || digestReflectionPolicy === 'Always',
    },
    {
      rule: "has(self.interval) || !has(self.digestReflectionPolicy) || self.digestReflectionPolicy != 'Always'",
      message: INTERVAL_MISSING,
      holds: ({ interval, digestReflectionPolicy }) =>
        interval !== undefined || digestReflectionPolicy !== 'Always',
    },
  ],
);

const Reference = z.object({
  name: z.string().describe('Name of the image, as spec.image of the ImageRepository has it.'),
  tag: z.string().describe('The tag.'),
  digest: z.string().optional().describe('Digest of the tag, where spec.digestReflectionPolicy asks for it.'),
});

const Status = z
  .object({
    ...reconcileStatusFields,
    latestRef: Reference.optional().describe('The choice.'),
    observedPreviousRef: Reference.optional().describe('The choice before the last change of it.'),
    latestImage: z
      .string()
      .optional()
      .describe('The choice as name:tag, for readers of older versions. Prefer latestRef.'),
    observedPreviousImage: z
      .string()
      .optional()
      .describe('The choice before as name:tag, for readers of older versions. Prefer observedPreviousRef.'),
  })
  .default(INITIAL_STATUS)
  .describe('What was observed.');

export type SpecInput = z.input<typeof Spec>;
export type StatusInput = Exclude<z.input<typeof Status>, undefined>;
export type ReferenceInput = z.input<typeof Reference>;

const COLUMNS: Column[] = [
  { name: 'Image', type: 'string', jsonPath: '.status.latestRef.name' },
  { name: 'Tag', type: 'string', jsonPath: '.status.latestRef.tag' },
  { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  { name: 'Status', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].message' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
];

export const IMAGE_POLICY_KIND = defineKind({
  ...IMAGE_POLICY,
  singular: 'imagepolicy',
  shortNames: ['imgpol', 'imagepol'],
  categories: ['all', 'fluxcd', 'fluxcd-images'],
  presentation: {
    v1: { columns: COLUMNS },
    v1beta2: {
      columns: COLUMNS,
      deprecation: 'image.toolkit.fluxcd.io/v1beta2 ImagePolicy is deprecated, use v1',
    },
    // The founding documents' version: not deprecated, so that their commands print no warning.
    v1beta1: { columns: [{ name: 'LatestImage', type: 'string', jsonPath: '.status.latestImage' }] },
  },
  // Flux's own values: what selects its CRDs by them finds ours too (spec 2.1).
  labels: {
    'app.kubernetes.io/component': 'image-reflector-controller',
    'app.kubernetes.io/part-of': 'flux',
  },
  description:
    'ImagePolicy chooses one tag among those that an ImageRepository has found: the one that should run.',
  spec: Spec,
  status: Status,
});
