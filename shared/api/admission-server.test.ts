import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { useApiServer } from '../../test/parts/api-server.ts';
import { needs } from '../../test/parts/parts.ts';
import { applyDefaults, pruneUnknown, validate } from './admission.ts';
import {
  type Body,
  bodyOf,
  CONDITIONS,
  check,
  DEFAULTS,
  fieldsOf,
  GOOD,
  ROWS,
  statusWith,
} from './admission-rows.ts';
import { customResourceDefinition } from './crd.ts';
import { DEMO } from './demo-kind.ts';
import { type FieldProblem, problemText } from './field-problem.ts';
import { IMAGE_REPOSITORY_KIND } from './image-repository-schema.ts';
import type { Kind } from './kind.ts';
import { KINDS } from './kinds.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

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
      path: `${pathOf(IMAGE_REPOSITORY_KIND, version)}/${at}`,
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
      const kind = row.kind ?? IMAGE_REPOSITORY_KIND;
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
      await send('POST', pathOf(IMAGE_REPOSITORY_KIND), { ...bodyOf({ title: '', spec: GOOD }), metadata });
      const { status, body } = await patch('v1', 'conditions/status', { status: statusWith(condition) });
      assert.equal(status, refused ? 422 : 200, body.toString());
      if (refused) assert.deepEqual(fieldsOf(JSON.parse(body.toString()).details.causes), [refused]);
    });
  }

  test('stores the CRD as it was sent: no field of it is dropped or refused', async () => {
    for (const kind of [...KINDS, DEMO]) {
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
    const created = await send('POST', pathOf(IMAGE_REPOSITORY_KIND, 'v1'), {
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
      const { body } = await send('GET', `${pathOf(IMAGE_REPOSITORY_KIND, 'v1')}/${name}`);
      assert.deepEqual(body.spec, { ...spec, interval: '7m', exclusionList: DEFAULTS.exclusionList });
      assert.deepEqual(body.status, { ...status, lastHandledReconcileAt: version });
    }
  });

  test('warns of v1beta2 and of no other version', async () => {
    for (const version of IMAGE_REPOSITORY_KIND.versions) {
      const { headers } = await server.transport.request({
        method: 'GET',
        path: pathOf(IMAGE_REPOSITORY_KIND, version),
      });
      const { deprecation } = IMAGE_REPOSITORY_KIND.presentation[version]!;
      assert.equal(headers.warning, deprecation && `299 - "${deprecation}"`, version);
    }
  });
});
