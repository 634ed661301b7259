/** Another controller beside ours: whether `longshore doctor` sees that both serve the same objects. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { NAMESPACES, type Resource, resourcePath } from '../../shared/kube/resource.ts';
import { createTransport } from '../../shared/kube/transport.ts';
import { needs } from '../parts/parts.ts';
import { DEPLOYMENTS } from './deployment.ts';
import { of, troubles, useExamination } from './examination.ts';

const OCI_REPOSITORIES: Resource = {
  group: 'source.toolkit.fluxcd.io',
  version: 'v1',
  plural: 'ocirepositories',
  kind: 'OCIRepository',
  namespaced: true,
};

describe('longshore doctor beside Flux', {
  ...needs('kube-apiserver', 'etcd', 'helm', 'versitygw'),
  timeout: 200_000,
}, () => {
  const { deployment, withArgs, examine, finds } = useExamination();

  const FLUX = { namespace: 'flux-system', name: 'source-controller' };

  before(async () => {
    const { kube } = deployment();
    await kube.create(NAMESPACES, {}, { metadata: { name: 'flux-system' } });
    await kube.create(
      DEPLOYMENTS,
      { namespace: FLUX.namespace },
      {
        metadata: { name: FLUX.name, labels: { app: FLUX.name } },
        spec: {
          selector: { matchLabels: { app: FLUX.name } },
          template: {
            metadata: { labels: { app: FLUX.name } },
            spec: { containers: [{ name: 'manager', image: 'source-controller', args: [] }] },
          },
        },
      },
    );
    const labels = { 'longshore.dev/migrated': 'true' };
    await kube.create(
      OCI_REPOSITORIES,
      { namespace: 'flux-system' },
      {
        apiVersion: 'source.toolkit.fluxcd.io/v1',
        kind: 'OCIRepository',
        metadata: { name: 'ours', labels },
        spec: { url: 'oci://127.0.0.1:9/x', interval: '1h', suspend: true },
      },
    );
  });

  const setFlux = (spec: object) => deployment().kube.patch(DEPLOYMENTS, FLUX, { spec });
  const selecting = (selector: string) =>
    setFlux({
      template: {
        spec: {
          containers: [
            { name: 'manager', image: 'source-controller', args: [`--watch-label-selector=${selector}`] },
          ],
        },
      },
    });

  test('it serves the same objects', () =>
    finds(
      'controllers',
      'failed',
      /^flux-system\/source-controller manages 1 objects of ours as well: OCIRepository flux-system\/ours$/,
      /watch-label-selector.*docs\/migration\.md/,
    ));

  test('each has its own objects by label', async () => {
    await selecting('longshore.dev/migrated!=true');
    await withArgs({ 'watch-label-selector': 'longshore.dev/migrated=true' }, async () => {
      const { code, findings } = await examine();
      assert.deepEqual(troubles(findings), []);
      assert.equal(code, 0);
      assert.match(of(findings, 'controllers')[0]!.text, /manages others: longshore\.dev\/migrated!=true/);
    });
    await finds('controllers', 'warning', /would manage new objects/, /watch-label-selector/);
  });

  test('somebody writes a status after us', async () => {
    const ref = { namespace: 'flux-system', name: 'ours', subresource: 'status' };
    const transport = createTransport(deployment().cluster.endpoint);
    const write = async (fieldManager: string, status: object) => {
      const answer = await transport.request({
        method: 'PATCH',
        path: resourcePath(OCI_REPOSITORIES, ref),
        query: { fieldManager },
        contentType: 'application/merge-patch+json',
        body: JSON.stringify({ status }),
      });
      assert.equal(answer.status, 200, answer.body.toString());
    };
    await setFlux({ replicas: 0 });
    await write('longshore', { observedIgnore: 'a' });
    // Its time has whole seconds.
    await pause(1001 - (Date.now() % 1000));
    await write('source-controller', { observedGeneration: 1 });
    const text =
      /^source-controller writes the status of 1 objects after us: OCIRepository flux-system\/ours$/;
    await finds('controllers', 'warning', text, /docs\/migration\.md/);
    await pause(1001 - (Date.now() % 1000));
    await write('longshore', { observedIgnore: 'b' });
    assert.deepEqual(troubles((await examine()).findings), []);
    await setFlux({ replicas: 1 });
    transport.close();
  });

  test('it is scaled to nothing', async () => {
    await selecting('');
    await setFlux({ replicas: 0 });
    const { findings } = await examine();
    assert.deepEqual(troubles(findings), []);
    await setFlux({ replicas: 1 });
    await selecting('longshore.dev/migrated!=true');
  });
});
