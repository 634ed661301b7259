import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { useApiServer } from '../../test/parts/api-server.ts';
import { needs } from '../../test/parts/parts.ts';
import { applyDefaults, pruneUnknown, validate } from './admission.ts';
import { customResourceDefinition } from './crd.ts';
import { DEMO } from './demo-kind.ts';
import { type FieldProblem, problemText } from './field-problem.ts';
import { IMAGE_REPOSITORY } from './image-repository.ts';
import type { Kind } from './kind.ts';

type Body = Record<string, unknown>;

/** What became of an object: what is stored, or why it is refused, one text a field. */
type Verdict = { stored: Body } | { refused: string[] };

interface Stored {
  spec: { exclusionList: string[] };
  status: { observedGeneration: number };
}

const INTERVAL = "should match '^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$'";
const TIMEOUT = "should match '^([0-9]+(\\.[0-9]+)?(ms|s|m))+$'";
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const GOOD = { image: 'ghcr.io/org/app', interval: '5m' };
const DEFAULTS = { exclusionList: ['^.*\\.sig$'], provider: 'generic' };
const STATUS = { observedGeneration: -1 };

interface Row {
  title: string;
  kind?: Kind;
  spec?: unknown;
  /** Spec as it is stored, where the object is taken. */
  stored?: unknown;
  refused?: string[];
}

/** The first eight are the rows of table 2.9 that concern this kind. */
const ROWS: Row[] = [
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
];

/** Conditions that differ in one field from one that is taken. */
const CONDITIONS: { condition: Body; refused?: string }[] = [
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

function statusWith(condition: Body): Body {
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

function fieldsOf(problems: FieldProblem[]): string[] {
  return [...new Set(problems.map(({ field }) => field))];
}

function bodyOf({ kind = IMAGE_REPOSITORY, spec }: Row): Body {
  const apiVersion = `${kind.group}/${kind.storageVersion}`;
  return {
    apiVersion,
    kind: kind.kind,
    metadata: { name: 'app' },
    ...(spec !== undefined && { spec }),
  };
}

function admit(kind: Kind, body: Body): Verdict {
  const object = applyDefaults(kind, pruneUnknown(kind, body).object);
  const problems = validate(kind, object);
  return problems.length > 0 ? { refused: problems.map(problemText) } : { stored: object };
}

function check(row: Row, verdict: Verdict): void {
  if (row.refused) {
    assert.deepEqual('refused' in verdict && verdict.refused.toSorted(), row.refused.toSorted());
    return;
  }
  assert.ok('stored' in verdict, JSON.stringify(verdict));
  const fallback = row.kind === DEMO ? row.spec && { mode: 'Never', ...(row.spec as Body) } : row.spec;
  assert.deepEqual(verdict.stored.spec, row.stored ?? fallback);
  assert.deepEqual(verdict.stored.status, STATUS);
}

describe('admission by the zod schemas', () => {
  for (const row of ROWS) {
    test(row.title, () => {
      const body = bodyOf(row);
      const before = structuredClone(body);
      check(row, admit(row.kind ?? IMAGE_REPOSITORY, body));
      assert.deepEqual(body, before, 'the object that came in was changed');
    });
  }

  test('the paths of unknown fields, as strict field validation names them', () => {
    const body = {
      ...bodyOf({ title: '', spec: { ...GOOD, other: 1, accessFrom: { namespaceSelectors: [{ b: 1 }] } } }),
      extra: {},
      metadata: { name: 'app', labels: { any: 'label' } },
    };
    const { object, unknown } = pruneUnknown(IMAGE_REPOSITORY, body);
    assert.deepEqual(unknown, ['spec.other', 'spec.accessFrom.namespaceSelectors[0].b', 'extra']);
    assert.deepEqual(object.metadata, body.metadata);
  });

  test('a default is a copy in every object', () => {
    const create = () =>
      applyDefaults(IMAGE_REPOSITORY, bodyOf({ title: '', spec: GOOD })) as unknown as Stored;
    const first = create();
    first.spec.exclusionList.push('mine');
    first.status.observedGeneration = 5;
    assert.deepEqual(create().spec.exclusionList, DEFAULTS.exclusionList);
    assert.deepEqual(create().status, STATUS);
  });

  test('names that every JavaScript object has are ordinary names', () => {
    const body = JSON.parse('{"spec":{"constructor":1,"toString":2,"image":"a","interval":"1m"}}') as Body;
    const { object, unknown } = pruneUnknown(IMAGE_REPOSITORY, body);
    assert.deepEqual(unknown, ['spec.constructor', 'spec.toString']);
    assert.deepEqual(object.spec, { image: 'a', interval: '1m' });
  });

  for (const { condition, refused } of CONDITIONS) {
    test(`a condition with ${JSON.stringify(condition).slice(0, 60)} is ${refused ? 'refused' : 'taken'}`, () => {
      const problems = validate(IMAGE_REPOSITORY, {
        ...bodyOf({ title: '', spec: GOOD }),
        status: statusWith(condition),
      });
      assert.deepEqual(fieldsOf(problems), refused ? [refused] : []);
    });
  }
});

describe('admission by a real API server', needs('kube-apiserver', 'etcd'), () => {
  // Hooks run in the order of their declaration: this one needs the server, and the server may be a shared one.
  after(() => server.transport.request({ method: 'DELETE', path: `${CRDS}/${DEMO.plural}.${DEMO.group}` }));
  const server = useApiServer();
  let namespace: string;
  const send = async (method: 'GET' | 'POST', path: string, body?: unknown, query = {}) => {
    const request = { method, path, query, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const { status, body: answer } = await server.transport.request({
      ...request,
      contentType: 'application/json',
    });
    return {
      status,
      // A path that is not served yet answers with plain text.
      body: (status === 404 ? {} : JSON.parse(answer.toString())) as Body & {
        details?: { causes?: FieldProblem[] };
      },
    };
  };
  const pathOf = (kind: Kind, version = kind.storageVersion) =>
    `/apis/${kind.group}/${version}/namespaces/${namespace}/${kind.plural}`;

  const patch = (version: string, at: string, body: unknown) =>
    server.transport.request({
      method: 'PATCH',
      path: `${pathOf(IMAGE_REPOSITORY, version)}/${at}`,
      contentType: 'application/merge-patch+json',
      body: JSON.stringify(body),
    });

  before(async () => {
    namespace = await server.createNamespace();
    const created = await send('POST', CRDS, customResourceDefinition(DEMO));
    assert.equal(created.status, 201, JSON.stringify(created.body));
    while ((await send('GET', pathOf(DEMO))).status !== 200) await wait(20);
  });

  for (const row of ROWS) {
    test(row.title, async () => {
      const kind = row.kind ?? IMAGE_REPOSITORY;
      const { status, body } = await send('POST', pathOf(kind), bodyOf(row), { dryRun: 'All' });
      if (status === 201) check(row, { stored: body });
      else {
        const causes = body.details?.causes ?? [];
        // What it says of rules that it did not get to is left out by us.
        const own = causes.filter(
          ({ message }) => !message.includes('some validation rules were not checked'),
        );
        check(row, { refused: own.map(problemText) });
        const ours = validate(kind, applyDefaults(kind, pruneUnknown(kind, bodyOf(row)).object));
        const reasons = (all: FieldProblem[]) => all.map(({ field, reason }) => `${field} ${reason}`).sort();
        assert.deepEqual(reasons(ours), reasons(own));
      }
    });
  }

  for (const { condition, refused } of CONDITIONS) {
    test(`a condition with ${JSON.stringify(condition).slice(0, 60)} is ${refused ? 'refused' : 'taken'}`, async () => {
      const metadata = { name: 'conditions' };
      await send('POST', pathOf(IMAGE_REPOSITORY), { ...bodyOf({ title: '', spec: GOOD }), metadata });
      const { status, body } = await patch('v1', 'conditions/status', { status: statusWith(condition) });
      assert.equal(status, refused ? 422 : 200, body.toString());
      if (refused) assert.deepEqual(fieldsOf(JSON.parse(body.toString()).details.causes), [refused]);
    });
  }

  test('stores the CRD as it was sent: no field of it is dropped or refused', async () => {
    for (const kind of [IMAGE_REPOSITORY, DEMO]) {
      const name = `${kind.plural}.${kind.group}`;
      const { body } = await send('GET', `${CRDS}/${name}`);
      const { conditions } = body.status as {
        conditions: { type: string; status: string; message: string }[];
      };
      assert.equal(
        conditions.find(({ type }) => type === 'NonStructuralSchema'),
        undefined,
      );
      assert.deepEqual((body.spec as Body).versions, customResourceDefinition(kind).spec.versions);
    }
  });

  test('a write through an older version loses no field (IR-API-1)', async () => {
    const spec = {
      ...GOOD,
      proxySecretRef: { name: 'proxy' },
      insecure: true,
      serviceAccountName: 'sa',
      provider: 'aws',
    };
    const name = 'older';
    const created = await send('POST', pathOf(IMAGE_REPOSITORY, 'v1'), {
      ...bodyOf({ title: '', spec }),
      metadata: { name },
    });
    assert.equal(created.status, 201);
    const status = {
      observedGeneration: 1,
      canonicalImageName: 'ghcr.io/org/app',
      lastScanResult: {
        tagCount: 1,
        scanTime: '2026-01-05T10:00:07Z',
        revision: 'sha256:1',
        latestTags: ['a'],
      },
      observedExclusionList: ['^.*\\.sig$'],
      lastHandledReconcileAt: 't9',
    };
    assert.equal((await patch('v1', `${name}/status`, { status })).status, 200);
    for (const version of ['v1beta1', 'v1beta2']) {
      assert.equal((await patch(version, name, { spec: { interval: '7m' } })).status, 200);
      assert.equal(
        (await patch(version, `${name}/status`, { status: { lastHandledReconcileAt: version } })).status,
        200,
      );
      const { body } = await send('GET', `${pathOf(IMAGE_REPOSITORY, 'v1')}/${name}`);
      assert.deepEqual(body.spec, { ...spec, interval: '7m', exclusionList: DEFAULTS.exclusionList });
      assert.deepEqual(body.status, { ...status, lastHandledReconcileAt: version });
    }
  });

  test('warns of v1beta2 and of no other version', async () => {
    for (const version of IMAGE_REPOSITORY.versions) {
      const { headers } = await server.transport.request({
        method: 'GET',
        path: pathOf(IMAGE_REPOSITORY, version),
      });
      const { deprecation } = IMAGE_REPOSITORY.presentation[version]!;
      assert.equal(headers.warning, deprecation && `299 - "${deprecation}"`, version);
    }
  });
});
