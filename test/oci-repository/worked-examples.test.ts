/** The worked examples of section 25, layers of every kind, and statuses that others have written (3.3). */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import {
  archiveFiles,
  FLUX_CONTENT,
  fluxArtifact,
  HELM_CONTENT,
  helmChart,
} from '../../infra/local/registry/artifact.ts';
import type { ImageContent } from '../../infra/local/registry/image.ts';
import { pathsIn } from '../../shared/artifact/test-layer.ts';
import type { Condition } from '../../shared/kube/resource.ts';
import { createFakeCluster } from '../workbench/fake-cluster.ts';
import { BASE, BLOBS, useSuite } from './suite.ts';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const sha256 = (bytes: Buffer | string) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

describe('worked examples', () => {
  const suite = useSuite({ kube: createFakeCluster() });
  const push = async (tag: string | string[], image: ImageContent) =>
    (await suite.registry.push('team/app', tag, image)).digest;
  const reasons = async () =>
    (await suite.events()).map((text) => text.split(':', 1)[0]!.split(' ')[1]).sort();

  it('25.1 plain manifests', async () => {
    const digest = await suite.push('latest', {
      'deploy/app.yaml': 'a',
      'deploy/logo.png': 'b',
      '.github/ci.yml': 'c',
    });
    const { status } = await suite.ready();
    const file = await suite.stored(status!.artifact!.path);
    assert.deepEqual(pathsIn(gunzipSync(file!)), ['.', 'deploy', 'deploy/app.yaml']);
    assert.ok(status!.artifact!.path.endsWith(`/${digest.slice(7)}.tar.gz`));
  });

  it('25.2 a Helm chart kept as it is', async () => {
    const chart = helmChart({ name: 'web', version: '6.9.0' }, { provenance: true });
    const digest = await push('6.9.0', chart);
    const data = Buffer.from(chart.layers![1]!.data);
    const selector = { mediaType: HELM_CONTENT, operation: 'copy' } as const;
    const { status } = await suite.ready({ layerSelector: selector, ref: { semver: '>=6.0.0' } });
    const { artifact } = status!;
    assert.equal(artifact!.revision, `6.9.0@${digest}`);
    assert.equal(artifact!.digest, sha256(data));
    assert.equal(artifact!.size, data.length);
    assert.deepEqual(await suite.stored(artifact!.path), data);
    assert.deepEqual(status!.observedLayerSelector, selector);
  });

  it('25.3 a new tag on the same content: another revision, the same file, no news', async () => {
    await suite.push('1.0.0', { a: 'b' });
    const before = await suite.ready({ ref: { semver: '>=1.0.0' } });
    const digest = await suite.push('1.0.1', { a: 'b' });
    const { status } = await suite.run({ trigger: 'timer' });
    assert.equal(status!.artifact!.revision, `1.0.1@${digest}`);
    assert.equal(status!.artifact!.path, before.status!.artifact!.path);
    assert.equal(status!.artifact!.digest, before.status!.artifact!.digest);
    assert.deepEqual(await reasons(), ['NewArtifact']);
  });

  it('25.4 pinned: the digest wins, the tag does not appear, the registry is not asked again', async () => {
    const digest = await suite.push('1.4.2', { a: 'b' });
    const { status } = await suite.ready({ ref: { tag: '1.4.2', digest } });
    assert.equal(status!.artifact!.revision, digest);
    await suite.run({ trigger: 'timer' });
    assert.equal(suite.registry.requests.count(), 0);
  });

  it('25.5 one rule of the object switches the default rules off', async () => {
    await suite.push('latest', { 'logo.png': 'a', 'tests/a': 'b' });
    await suite.ready({ ignore: '/tests' });
    assert.deepEqual(await suite.files(), { 'logo.png': 'a' });
  });

  it('25.6 the wrong layer first', async () => {
    await push('latest', helmChart({ name: 'web', version: '1.0.0' }, { provenance: true }));
    await suite.ready();
    assert.deepEqual(Object.keys(await suite.files()), ['web/Chart.yaml']);
  });

  it('25.7 a copy of JSON', async () => {
    const data = '{"allow": true}';
    const digest = await push('latest', {
      layers: [{ mediaType: 'application/vnd.acme.policy.v1+json', data }],
    });
    const { status } = await suite.ready({ layerSelector: { operation: 'copy' } });
    assert.ok(status!.artifact!.path.endsWith(`/${digest.slice(7)}.tar.gz`));
    assert.equal(String(await suite.stored(status!.artifact!.path)), data);
  });

  it('25.8 from the tag to the digest of the same image', async () => {
    const digest = await suite.push('v1', { a: 'b' });
    const before = await suite.ready({ ref: { tag: 'v1' } });
    await suite.bench.edit('web', { spec: { ref: { tag: null, digest } } });
    const { status } = await suite.run();
    assert.equal(status!.artifact!.revision, digest);
    assert.equal(status!.artifact!.path, before.status!.artifact!.path);
    assert.deepEqual(await reasons(), ['NewArtifact']);
  });

  const files = { 'a.yaml': 'hello\n' };
  for (const [name, type, data] of [
    ['gzip', FLUX_CONTENT, gzipSync(archiveFiles(files))],
    [
      'gzip of two members',
      FLUX_CONTENT,
      Buffer.concat([
        gzipSync(archiveFiles(files).subarray(0, 700)),
        gzipSync(archiveFiles(files).subarray(700)),
      ]),
    ],
    ['zstd', 'application/vnd.oci.image.layer.v1.tar+zstd', zstdCompressSync(archiveFiles(files))],
    ['no compression', 'application/vnd.oci.image.layer.v1.tar', archiveFiles(files)],
    ['gzip, called something else', 'application/octet-stream', gzipSync(archiveFiles(files))],
  ] as const) {
    it(`a layer with ${name}`, async () => {
      await push('latest', { layers: [{ mediaType: type, data }] });
      await suite.ready();
      assert.deepEqual(await suite.files(), files);
    });
  }

  it('an index: the revision is that of the index, the annotations are those of the image', async () => {
    const image = await suite.registry.push(
      'team/app',
      [],
      fluxArtifact(files, {
        'org.opencontainers.image.source': 'here',
        'org.opencontainers.image.revision': 'this',
      }),
    );
    const other = await suite.registry.push('team/app', [], fluxArtifact({ other: 'x' }));
    const manifests = [
      { ...other, platform: { os: 'linux', architecture: 'arm64' } },
      { ...image, platform: { os: 'linux', architecture: 'amd64' } },
    ];
    const bytes = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests, annotations: { of: 'the index' } }),
    );
    await suite.registry.pushManifest('team/app', 'latest', { mediaType: INDEX, bytes });
    const { status } = await suite.ready();
    assert.equal(status!.artifact!.revision, `latest@${sha256(bytes)}`);
    assert.deepEqual(status!.artifact!.metadata, {
      'org.opencontainers.image.source': 'here',
      'org.opencontainers.image.revision': 'this',
    });
    assert.deepEqual(await suite.files(), files);
    const [event] = await suite.events();
    assert.ok(event!.endsWith(", origin source 'here', origin revision 'this'"), event);
  });

  it('content in the manifest itself is not asked for', async () => {
    const data = gzipSync(archiveFiles(files));
    const config = { mediaType: 'application/vnd.cncf.flux.config.v1+json', digest: sha256('{}'), size: 2 };
    const layer = {
      mediaType: FLUX_CONTENT,
      digest: sha256(data),
      size: data.length,
      data: data.toString('base64'),
    };
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, config, layers: [layer] }));
    await suite.registry.pushManifest('team/app', 'latest', {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      bytes,
    });
    await suite.ready();
    assert.deepEqual(await suite.files(), files);
    assert.equal(suite.registry.requests.count('GET', BLOBS), 0);
  });

  it('an event carries the revision, both digests, and what the object hands down', async () => {
    const annotations = { 'event.toolkit.fluxcd.io/team': 'web', other: 'not' };
    await suite.bench.create('web', { url: suite.url(), interval: '10m' }, { annotations });
    const { status } = await suite.run();
    const events = await suite.bench.kube.list<{ metadata: { annotations?: unknown }; source: unknown }>(
      { group: '', version: 'v1', plural: 'events', kind: 'Event', namespaced: true },
      { namespace: suite.bench.namespace },
    );
    const { revision, digest, checksum } = status!.artifact!;
    assert.deepEqual(events.items[0]!.metadata.annotations, {
      'event.toolkit.fluxcd.io/team': 'web',
      'source.toolkit.fluxcd.io/revision': revision,
      'source.toolkit.fluxcd.io/digest': digest,
      'source.toolkit.fluxcd.io/checksum': checksum,
    });
    assert.deepEqual(events.items[0]!.source, { component: 'source-controller' });
  });

  it('another file of the same revision is another event, with its own digest, however soon it comes', async () => {
    await suite.ready();
    await suite.bench.edit('web', { spec: { ignore: '/readme.md' } });
    await suite.run();
    const told = (await suite.bench.events('web')).filter(({ reason }) => reason === 'NewArtifact');
    assert.deepEqual(
      told.map(({ count }) => count),
      [1, 1],
    );
  });

  it('another base of the URLs: both follow without a new artifact', async () => {
    const before = await suite.ready();
    const { artifact } = before.status!;
    const moved = { ...artifact, url: artifact!.url.replace(BASE, 'http://old.test') };
    await status({ artifact: moved, url: before.status!.url!.replace(BASE, 'http://old.test') });
    suite.forget();
    const after = await suite.run({ trigger: 'timer' });
    assert.deepEqual(after.status, before.status);
    assert.equal(suite.registry.requests.count('GET', BLOBS), 0);
  });

  const status = (fields: Record<string, unknown>) =>
    suite.bench.kube.patch(
      suite.bench.resource,
      { namespace: suite.bench.namespace, name: 'web', subresource: 'status' },
      { status: fields },
    );

  it('a status of 2022, with a checksum alone, is built anew', async () => {
    const hex = 'ab'.repeat(32);
    await suite.create();
    const path = `ocirepository/${suite.bench.namespace}/web/${hex}.tar.gz`;
    await status({
      artifact: {
        checksum: hex,
        path,
        url: `http://x/${path}`,
        revision: hex,
        lastUpdateTime: '2022-08-08T09:35:45Z',
      },
      observedGeneration: 1,
      contentConfigChecksum: 'sha256:1',
    });
    const after = await suite.run({ trigger: 'resync' });
    assert.match(after.status!.artifact!.revision, /^latest@sha256:/);
    assert.deepEqual(await suite.files(), { 'deploy/app.yaml': 'kind: A\n', 'readme.md': 'hello\n' });
  });

  it('a status of the original controller: its file is not ours, so it is stored by us; conditions of others stay', async () => {
    const digest = await suite.push('v1', { a: 'b' });
    await suite.create({ ref: { tag: 'v1' } });
    const path = `ocirepository/${suite.bench.namespace}/web/${digest}.tar.gz`;
    const foreign: Condition = {
      type: 'Audited',
      status: 'True',
      reason: 'Seen',
      message: '',
      lastTransitionTime: '2026-01-05T10:00:00Z',
    };
    await status({
      observedGeneration: 1,
      artifact: {
        digest: sha256('theirs'),
        path,
        url: `http://source-controller/${path}`,
        revision: `v1@${digest}`,
        lastUpdateTime: '2026-01-05T10:00:00Z',
        size: 6,
      },
      url: 'http://source-controller/ocirepository/x/web/latest.tar.gz',
      conditions: [foreign],
    });
    const after = await suite.run({ trigger: 'resync' });
    assert.ok(after.status!.artifact!.url.startsWith(BASE));
    assert.deepEqual(await suite.files(), { a: 'b' });
    assert.deepEqual(after.status!.conditions!.at(-1), foreign);
  });

  it('a path of somebody else in the status is never read, and never deleted', async () => {
    await suite.ready();
    const { artifact } = (await suite.read()).status!;
    const theirs = 'test/artifacts/ocirepository/theirs/web/latest.tar.gz';
    await suite.bench.store.put(theirs, Buffer.from('theirs'));
    await status({ artifact: { ...artifact, path: 'ocirepository/theirs/web/latest.tar.gz' } });
    await suite.run({ trigger: 'timer' });
    assert.equal((await suite.read()).status!.artifact!.path, artifact!.path);
    assert.ok(await suite.bench.store.head(theirs));
    await suite.bench.store.delete(theirs);
  });

  it('credentials of a Secret, and those of a service account', async () => {
    await suite.bench.secret(
      's',
      {
        '.dockerconfigjson': JSON.stringify({
          auths: { [suite.registry.host]: { username: 'u', password: 'canary' } },
        }),
      },
      'kubernetes.io/dockerconfigjson',
    );
    await suite.ready({ secretRef: { name: 's' } });
    assert.ok(
      !JSON.stringify([await suite.read(), await suite.events(), suite.bench.log]).includes('canary'),
    );
  });
});
