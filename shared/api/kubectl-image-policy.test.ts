/** What people see of `ImagePolicy` through kubectl, and that no version loses what another one has written (IR-API-1). */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { columnsOf, useKubectl } from '../../test/api/kubectl.ts';
import { MERGE, overBothServers } from '../../test/api/servers.ts';
import { INTERVAL_UNUSED } from './image-policy.ts';

const GROUP = 'image.toolkit.fluxcd.io';
const DIGEST = `sha256:${'a'.repeat(64)}`;

const SPEC = {
  imageRepositoryRef: { name: 'app', namespace: 'apps' },
  policy: { semver: { range: '1.x' } },
  filterTags: { pattern: '^v(.*)$', extract: '$1' },
  digestReflectionPolicy: 'Always',
  interval: '10m',
  suspend: false,
};

const STATUS = {
  observedGeneration: 1,
  conditions: [
    {
      type: 'Ready',
      status: 'True',
      reason: 'Succeeded',
      message: 'Latest image tag resolved',
      lastTransitionTime: '2026-01-05T10:00:07Z',
    },
  ],
  latestRef: { name: 'ghcr.io/org/app', tag: '1.2.0', digest: DIGEST },
  observedPreviousRef: { name: 'ghcr.io/org/app', tag: '1.1.0' },
  latestImage: 'ghcr.io/org/app:1.2.0',
  observedPreviousImage: 'ghcr.io/org/app:1.1.0',
  lastHandledReconcileAt: 't9',
};

overBothServers('kubectl and ImagePolicy', ['kubectl'], (server, ask) => {
  let namespace: string;
  const path = (version: string, name = '') =>
    `/apis/${GROUP}/${version}/namespaces/${namespace}/imagepolicies${name && `/${name}`}`;
  const kubectl = useKubectl(server, () => namespace);
  const patch = async (version: string, name: string, body: unknown) => {
    const reply = await ask(path(version, name), { method: 'PATCH', body, contentType: MERGE });
    assert.equal(reply.status, 200, JSON.stringify(reply.json));
  };

  before(async () => {
    namespace = await server.createNamespace();
    const body = { apiVersion: `${GROUP}/v1`, kind: 'ImagePolicy', metadata: { name: 'chosen' }, spec: SPEC };
    assert.equal((await ask(path('v1'), { method: 'POST', body })).status, 201);
    await patch('v1', 'chosen/status', { status: STATUS });
  });

  test('get shows the columns of v1, under every name', async () => {
    for (const name of [`imagepolicies.v1.${GROUP}`, 'imgpol', 'imagepol']) {
      const { output } = await kubectl(['get', name, 'chosen']);
      assert.deepEqual(columnsOf(output), ['NAME', 'IMAGE', 'TAG', 'READY', 'STATUS', 'AGE']);
      const row = /^chosen +ghcr\.io\/org\/app +1\.2\.0 +True +Latest image tag resolved +\S+$/m;
      assert.match(output, row);
    }
  });

  test('get of v1beta1 shows the column of its time, without a warning; v1beta2 warns', async () => {
    const old = await kubectl(['get', `imagepolicies.v1beta1.${GROUP}`, 'chosen']);
    assert.match(old.output, /^NAME +LATESTIMAGE\nchosen +ghcr\.io\/org\/app:1\.2\.0$/);
    const { output } = await kubectl(['get', `imagepolicies.v1beta2.${GROUP}`, 'chosen']);
    assert.match(output, /Warning: .*v1beta2 ImagePolicy is deprecated, use v1/);
  });

  test('explain tells what a field is for', async () => {
    const { output } = await kubectl(['explain', 'imgpol.spec.digestReflectionPolicy']);
    assert.match(output, /ENUM:\s+Always\s+IfNotPresent\s+Never/);
    assert.match(output, /Whether status\.latestRef has the digest/);
  });

  test('an interval that nothing uses is refused in words that name both fields', async () => {
    const manifest = JSON.stringify({
      apiVersion: `${GROUP}/v1`,
      kind: 'ImagePolicy',
      metadata: { name: 'bad' },
      spec: { imageRepositoryRef: { name: 'app' }, policy: { numerical: {} }, interval: '10m' },
    });
    const { code, output } = await kubectl(['apply', '-f', '-'], { input: manifest });
    assert.equal(code, 1);
    assert.ok(output.includes(INTERVAL_UNUSED), output);
  });

  test('a write through an older version loses no field', async () => {
    for (const version of ['v1beta1', 'v1beta2']) {
      await patch(version, 'chosen', { spec: { interval: '7m' } });
      await patch(version, 'chosen/status', { status: { lastHandledReconcileAt: version } });
      const { json } = await ask(path('v1', 'chosen'));
      assert.deepEqual(json.spec, { ...SPEC, interval: '7m' });
      assert.deepEqual(json.status, { ...STATUS, lastHandledReconcileAt: version });
    }
  });
});
