/** For tests: the rows of table 2.9 about `ImagePolicy`, and what else its schema takes and refuses. */
import type { Row } from './admission-rows.ts';
import { INTERVAL_MISSING, INTERVAL_UNUSED } from './image-policy.ts';
import { IMAGE_POLICY_KIND } from './image-policy-schema.ts';

const kind = IMAGE_POLICY_KIND;
const GOOD = { imageRepositoryRef: { name: 'app' }, policy: { semver: { range: '1.x' } } };
const NEVER = { digestReflectionPolicy: 'Never' };
const ORDERS = 'supported values: "asc", "desc"';

export const IMAGE_POLICY_ROWS: Row[] = [
  {
    title: 'policy: digestReflectionPolicy Always, no interval',
    kind,
    spec: { ...GOOD, digestReflectionPolicy: 'Always' },
    refused: [`spec: Invalid value: ${INTERVAL_MISSING}`],
  },
  {
    title: 'policy: interval, digest policy not given',
    kind,
    spec: { ...GOOD, interval: '10m' },
    refused: [`spec: Invalid value: ${INTERVAL_UNUSED}`],
  },
  {
    title: 'policy: no rule',
    kind,
    spec: { ...GOOD, policy: {} },
    stored: { ...GOOD, ...NEVER, policy: {} },
  },
  {
    title: 'policy: two rules, orders filled in',
    kind,
    spec: { ...GOOD, policy: { ...GOOD.policy, numerical: {}, alphabetical: {} } },
    stored: {
      ...GOOD,
      ...NEVER,
      policy: { ...GOOD.policy, numerical: { order: 'asc' }, alphabetical: { order: 'asc' } },
    },
  },
  {
    title: 'policy: a range that is none',
    kind,
    spec: { ...GOOD, policy: { semver: { range: 'not a range' } } },
    stored: { ...GOOD, ...NEVER, policy: { semver: { range: 'not a range' } } },
  },

  {
    title: 'policy: every field',
    kind,
    spec: {
      imageRepositoryRef: { name: 'app', namespace: 'apps' },
      policy: { alphabetical: { order: 'desc' } },
      filterTags: { pattern: '^main-(?P<ts>[0-9]+)$', extract: '$ts' },
      digestReflectionPolicy: 'Always',
      interval: '1h30m',
      suspend: true,
    },
  },
  {
    title: 'policy: an interval of zero, IfNotPresent, an empty filter',
    kind,
    spec: { ...GOOD, digestReflectionPolicy: 'Always', interval: '0s', filterTags: {} },
  },
  {
    title: 'policy: IfNotPresent with an interval',
    kind,
    spec: { ...GOOD, digestReflectionPolicy: 'IfNotPresent', interval: '10m' },
    refused: [`spec: Invalid value: ${INTERVAL_UNUSED}`],
  },
  {
    title: 'policy: an empty spec',
    kind,
    spec: {},
    refused: ['spec.imageRepositoryRef: Required value', 'spec.policy: Required value'],
  },
  {
    title: 'policy: what is required further down',
    kind,
    spec: { imageRepositoryRef: { namespace: 'apps' }, policy: { semver: {} } },
    refused: ['spec.imageRepositoryRef.name: Required value', 'spec.policy.semver.range: Required value'],
  },
  {
    title: 'policy: orders, digest policy and interval that are none',
    kind,
    spec: {
      ...GOOD,
      policy: { alphabetical: { order: 'ASC' }, numerical: { order: '' } },
      digestReflectionPolicy: 'always',
      interval: '10',
    },
    refused: [
      `spec.policy.alphabetical.order: Unsupported value: "ASC": ${ORDERS}`,
      `spec.policy.numerical.order: Unsupported value: "": ${ORDERS}`,
      'spec.digestReflectionPolicy: Unsupported value: "always": supported values: "Always", "IfNotPresent", "Never"',
      'spec.interval: Invalid value: "10": spec.interval in body should match \'^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$\'',
    ],
  },
];
