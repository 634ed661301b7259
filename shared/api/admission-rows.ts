/** For tests: what an API server does with objects, held against our admission and against a real server. */
import assert from 'node:assert/strict';
import { DEMO } from './demo-kind.ts';
import type { FieldProblem } from './field-problem.ts';
import { IMAGE_POLICY_ROWS } from './image-policy-rows.ts';
import { IMAGE_REPOSITORY_KIND } from './image-repository-schema.ts';
import type { Kind } from './kind.ts';
import { OCI_REPOSITORY_ROWS } from './oci-repository-rows.ts';

export type Body = Record<string, unknown>;

/** What became of an object: what is stored, or why it is refused, one text a field. */
export type Verdict = { stored: Body } | { refused: string[] };

const INTERVAL = "should match '^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$'";
const TIMEOUT = "should match '^([0-9]+(\\.[0-9]+)?(ms|s|m))+$'";
export const GOOD = { image: 'ghcr.io/org/app', interval: '5m' };
export const DEFAULTS = { exclusionList: ['^.*\\.sig$'], provider: 'generic' };
export const STATUS = { observedGeneration: -1 };

export interface Row {
  title: string;
  kind?: Kind;
  spec?: unknown;
  /** Spec as it is stored, where the object is taken. */
  stored?: unknown;
  refused?: string[];
}

/** The first eight are the rows of table 2.9 that concern this kind. */
export const ROWS: Row[] = [
  {
    title: 'interval 5m, timeout 1h: no hours',
    spec: { ...GOOD, timeout: '1h' },
    refused: [`spec.timeout: Invalid value: "1h": spec.timeout in body ${TIMEOUT}`],
  },
  {
    title: 'interval 5: no unit',
    spec: { ...GOOD, interval: '5' },
    refused: [`spec.interval: Invalid value: "5": spec.interval in body ${INTERVAL}`],
  },
  {
    title: 'interval -1m: no sign',
    spec: { ...GOOD, interval: '-1m' },
    refused: [`spec.interval: Invalid value: "-1m": spec.interval in body ${INTERVAL}`],
  },
  {
    title: 'interval 0s',
    spec: { ...GOOD, interval: '0s' },
    stored: { ...GOOD, interval: '0s', ...DEFAULTS },
  },
  {
    title: '26 exclusion patterns',
    spec: { ...GOOD, exclusionList: Array(26).fill('x') },
    refused: ['spec.exclusionList: Too many: 26: must have at most 25 items'],
  },
  {
    title: 'provider AWS',
    spec: { ...GOOD, provider: 'AWS' },
    refused: ['spec.provider: Unsupported value: "AWS": supported values: "generic", "aws", "azure", "gcp"'],
  },
  {
    title: 'accessFrom {}',
    spec: { ...GOOD, accessFrom: {} },
    refused: ['spec.accessFrom.namespaceSelectors: Required value'],
  },
  { title: 'exclusionList not given', spec: GOOD, stored: { ...GOOD, ...DEFAULTS } },

  { title: 'no spec', refused: ['spec: Required value'] },
  {
    title: 'an empty spec',
    spec: {},
    refused: ['spec.image: Required value', 'spec.interval: Required value'],
  },
  {
    title: 'every field',
    spec: {
      image: 'docker.io/org/image',
      interval: '1h30m',
      timeout: '1.5m250ms',
      secretRef: { name: 'regcred' },
      proxySecretRef: { name: 'proxy' },
      serviceAccountName: 'x'.repeat(253),
      certSecretRef: { name: 'tls-certs' },
      suspend: true,
      accessFrom: { namespaceSelectors: [{ matchLabels: { a: 'b' } }, { matchLabels: {} }, {}] },
      exclusionList: [],
      provider: 'aws',
      insecure: true,
    },
  },
  {
    title: 'nulls: absent, with or without a default',
    spec: {
      ...GOOD,
      secretRef: null,
      provider: null,
      accessFrom: { namespaceSelectors: [{ matchLabels: null }] },
    },
    stored: { ...GOOD, ...DEFAULTS, accessFrom: { namespaceSelectors: [{}] } },
  },
  {
    title: 'a required field that is null',
    spec: { ...GOOD, image: null },
    refused: ['spec.image: Required value'],
  },
  {
    title: 'unknown fields, at every depth',
    spec: {
      ...GOOD,
      other: 1,
      secretRef: { name: 'a', namespace: 'b' },
      accessFrom: { namespaceSelectors: [{ b: 1 }] },
    },
    stored: { ...GOOD, ...DEFAULTS, secretRef: { name: 'a' }, accessFrom: { namespaceSelectors: [{}] } },
  },
  {
    title: 'wrong types',
    spec: { image: 5, interval: true, suspend: 'yes', secretRef: 'regcred', exclusionList: ['x', 5, null] },
    refused: [
      'spec.image: Invalid value: "integer": spec.image in body must be of type string: "integer"',
      'spec.interval: Invalid value: "boolean": spec.interval in body must be of type string: "boolean"',
      'spec.suspend: Invalid value: "string": spec.suspend in body must be of type boolean: "string"',
      'spec.secretRef: Invalid value: "string": spec.secretRef in body must be of type object: "string"',
      'spec.exclusionList[1]: Invalid value: "integer": spec.exclusionList[1] in body must be of type string: "integer"',
      'spec.exclusionList[2]: Invalid value: "null": spec.exclusionList[2] in body must be of type string: "null"',
    ],
  },
  {
    title: 'a map with a value that is no string',
    spec: { ...GOOD, accessFrom: { namespaceSelectors: [{ matchLabels: { team: 1 } }] } },
    refused: [
      'spec.accessFrom.namespaceSelectors[0].matchLabels.team: Invalid value: "integer": spec.accessFrom.namespaceSelectors[0].matchLabels.team in body must be of type string: "integer"',
    ],
  },
  {
    title: 'a service account name of 254 characters',
    spec: { ...GOOD, serviceAccountName: 'x'.repeat(254) },
    refused: ['spec.serviceAccountName: Too long: may not be more than 253 bytes'],
  },

  { title: 'demo: no spec where it is optional', kind: DEMO },
  { title: 'demo: a rule across fields that holds', kind: DEMO, spec: { mode: 'Always', interval: '1m' } },
  {
    title: 'demo: rule A, with the default of the other field',
    kind: DEMO,
    spec: { interval: '1m' },
    refused: ["spec: Invalid value: spec.interval is only for spec.mode 'Always'"],
  },
  {
    title: 'demo: rule B',
    kind: DEMO,
    spec: { mode: 'Always' },
    refused: ["spec: Invalid value: spec.interval is required when spec.mode is 'Always'"],
  },
  {
    title: 'demo: unknown fields where they are kept, null where it is allowed, a default inside',
    kind: DEMO,
    spec: {
      free: { known: 'a', other: { deep: 1 } },
      anything: [1, { a: null }],
      comment: null,
      nested: {},
      labels: { a: 'b' },
      unknown: 1,
    },
    stored: {
      mode: 'Never',
      free: { known: 'a', other: { deep: 1 } },
      anything: [1, { a: null }],
      comment: null,
      nested: { deep: 'filled in' },
      labels: { a: 'b' },
    },
  },
  {
    title: 'demo: limits',
    kind: DEMO,
    spec: { count: 9, comment: 'x', references: [], big: 'x' },
    refused: [
      'spec.count: Invalid value: 9: spec.count in body should be less than or equal to 5',
      'spec.comment: Invalid value: "x": spec.comment in body should be at least 2 chars long',
      'spec.references: Invalid value: 0: spec.references in body should have at least 1 items',
      'spec.big: Invalid value: "string": spec.big in body must be of type integer: "string"',
    ],
  },
  {
    title: 'demo: below a limit',
    kind: DEMO,
    spec: { count: 0, big: 9007199254740991 },
    refused: ['spec.count: Invalid value: 0: spec.count in body should be greater than or equal to 1'],
  },

  ...IMAGE_POLICY_ROWS,
  ...OCI_REPOSITORY_ROWS,
];

/** Conditions that differ in one field from one that is taken. */
export const CONDITIONS: { condition: Body; refused?: string }[] = [
  { condition: {} },
  { condition: { type: 'example.com/Custom' } },
  { condition: { message: '' } },
  { condition: { lastTransitionTime: '2026-01-05T10:00:07.123+02:00' } },
  ...(
    [
      ['reason', ''],
      ['reason', 'has spaces'],
      ['message', 'x'.repeat(32_769)],
      ['status', 'true'],
      ['lastTransitionTime', 'yesterday'],
      ['observedGeneration', -1],
      ['type', 'a/b/c'],
    ] as const
  ).map(([field, value]) => ({ condition: { [field]: value }, refused: `status.conditions[0].${field}` })),
];

export function statusWith(condition: Body): Body {
  const good = {
    type: 'Ready',
    status: 'True',
    reason: 'Succeeded',
    message: 'x'.repeat(32_768),
    lastTransitionTime: '2026-01-05T10:00:07Z',
    observedGeneration: 1,
  };
  return {
    observedGeneration: 1,
    conditions: [{ ...good, ...condition }],
    lastScanResult: { tagCount: 0, scanTime: '2026-01-05T10:00:07Z' },
  };
}

export function fieldsOf(problems: FieldProblem[]): string[] {
  return [...new Set(problems.map(({ field }) => field))];
}

export function bodyOf({ kind = IMAGE_REPOSITORY_KIND, spec }: Row): Body {
  const apiVersion = `${kind.group}/${kind.storageVersion}`;
  return {
    apiVersion,
    kind: kind.kind,
    metadata: { name: 'app' },
    ...(spec !== undefined && { spec }),
  };
}

export function check(row: Row, verdict: Verdict): void {
  if (row.refused) {
    assert.deepEqual('refused' in verdict && verdict.refused.toSorted(), row.refused.toSorted());
    return;
  }
  assert.ok('stored' in verdict, JSON.stringify(verdict));
  const fallback = row.kind === DEMO ? row.spec && { mode: 'Never', ...(row.spec as Body) } : row.spec;
  assert.deepEqual(verdict.stored.spec, row.stored ?? fallback);
  assert.deepEqual(verdict.stored.status, STATUS);
}
