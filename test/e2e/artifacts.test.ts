/**
 * Artifacts that others pushed, from a registry that others wrote to a file that `tar` unpacks: what a person sees with
 * kubectl, and what a consumer downloads.
 */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { StoredArtifact } from '../../shared/api/oci-repository.ts';
import { useKubectl } from '../api/kubectl.ts';
import { onEveryApiServer } from '../parts/api-servers.ts';
import { startDebianRegistry } from '../parts/debian-registry.ts';
import { startDistribution } from '../parts/distribution.ts';
import { download } from '../parts/download.ts';
import { needs, part } from '../parts/parts.ts';
import {
  FLUX_CONTENT,
  type PushArtifact,
  packFiles,
  pushWithOras,
  pushWithSkopeo,
  unpackFiles,
} from '../parts/push-artifact.ts';
import { openStage, type Stage } from './stage.ts';

const HELM_CHART = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';

/** What `flux push artifact` would find in a checkout; the default exclusions leave two of them out. */
const FILES = {
  '.github/ci.yaml': 'on: push\n',
  'deploy/app.yaml': 'kind: App\n',
  'deploy/nested/values.yaml': 'replicas: 2\n',
  'logo.png': 'not really a picture\n',
};
const KEPT = { 'deploy/app.yaml': 'kind: App\n', 'deploy/nested/values.yaml': 'replicas: 2\n' };

const ANNOTATIONS = {
  'org.opencontainers.image.source': 'https://git.example.com/team/app.git',
  'org.opencontainers.image.revision': 'main@sha1:7f2c0d0e1a9b4c57b0f0a6c1f9d1c2e3f4a5b6c7',
};

interface Registry {
  host: string;
  stop(): Promise<void>;
}

const WAYS: { name: string; programs: [string, string]; start(): Promise<Registry>; push: PushArtifact }[] = [
  {
    name: 'oras, Distribution',
    programs: ['oras', 'registry'],
    start: startDistribution,
    push: pushWithOras,
  },
  {
    name: "skopeo, Debian's docker-registry",
    programs: ['skopeo', 'docker-registry'],
    start: startDebianRegistry,
    push: pushWithSkopeo,
  },
];

for (const { name, programs, start, push } of WAYS) {
  describe(`artifacts: ${name}`, needs(...programs, 'tar'), () => {
    let registry: Registry;
    before(async () => {
      registry = await start();
    });
    after(() => registry?.stop());

    onEveryApiServer((api) => {
      let stage: Stage;
      let url: string;
      const kubectl = useKubectl(api, () => stage.namespace);
      const pushFiles = async (tag: string, files: Record<string, string>) =>
        push({
          repository: url.slice('oci://'.length),
          tag,
          layers: [{ mediaType: FLUX_CONTENT, body: await packFiles(files) }],
          annotations: ANNOTATIONS,
        });

      /** A repository of its own, and the product. */
      const setUp = async (t: TestContext) => {
        stage = await openStage(t, api);
        url = `oci://${registry.host}/${stage.namespace}/app`;
        return await stage.serve();
      };

      test('a pushed artifact is Ready for kubectl, and behind its address are its files', async (t) => {
        await setUp(t);
        const digest = await pushFiles('v1', FILES);
        await stage.artifacts.create('app', { url, insecure: true, ref: { tag: 'v1' } });
        if (part('kubectl')) {
          const args = ['wait', '--for=condition=ready', 'ocirepository/app', '--timeout=60s'];
          const { code, output } = await kubectl(args);
          assert.deepEqual([code, output], [0, 'ocirepository.source.toolkit.fluxcd.io/app condition met']);
        }
        const { status } = await stage.artifacts.ready('app');
        const { artifact } = status!;
        assert.equal(artifact!.revision, `v1@${digest}`);
        assert.deepEqual(artifact!.metadata, { ...artifact!.metadata, ...ANNOTATIONS });
        assert.equal(artifact!.path, `ocirepository/${stage.namespace}/app/${digest.slice(7)}.tar.gz`);
        for (const address of [artifact!.url, status!.url!]) await assertServed(address, artifact!, KEPT);
      });

      test('a chart is kept byte for byte', async (t) => {
        await setUp(t);
        const body = await packFiles({ 'app/Chart.yaml': 'name: app\nversion: 6.9.0\n' });
        const provenance = {
          mediaType: 'application/vnd.cncf.helm.chart.provenance.v1.prov',
          body: Buffer.from('p'),
        };
        await push({
          repository: url.slice('oci://'.length),
          tag: '6.9.0',
          layers: [provenance, { mediaType: HELM_CHART, body }],
          configType: 'application/vnd.cncf.helm.config.v1+json',
        });
        const layerSelector = { mediaType: HELM_CHART, operation: 'copy' as const };
        await stage.artifacts.create('chart', {
          url,
          insecure: true,
          ref: { semver: '>=6.0.0' },
          layerSelector,
        });
        const { status } = await stage.artifacts.ready('chart');
        const { artifact } = status!;
        assert.match(artifact!.revision, /^6\.9\.0@sha256:[0-9a-f]{64}$/);
        assert.equal(artifact!.digest, `sha256:${hash('sha256', body)}`);
        assert.ok((await download(artifact!.url)).body.equals(body));
      });

      test('a moved tag gives a new file; the one before is served on; a deleted object leaves nothing', async (t) => {
        await setUp(t);
        await pushFiles('latest', FILES);
        await stage.artifacts.create('app', { url, insecure: true });
        const first = (await stage.artifacts.ready('app')).status!;
        await pushFiles('latest', { ...FILES, 'deploy/app.yaml': 'kind: Other\n' });
        await stage.artifacts.request('app');
        const second = (await stage.artifacts.ready('app')).status!;
        assert.notEqual(second.artifact!.revision, first.artifact!.revision);
        await assertServed(first.artifact!.url, first.artifact!, KEPT);
        const changed = { ...KEPT, 'deploy/app.yaml': 'kind: Other\n' };
        for (const address of [second.artifact!.url, second.url!]) {
          await assertServed(address, second.artifact!, changed);
        }

        await stage.artifacts.edit('app', { ignore: '/*\n!/deploy\n/deploy/nested' });
        const third = (await stage.artifacts.ready('app')).status!;
        assert.equal(third.artifact!.revision, second.artifact!.revision);
        await assertServed(third.artifact!.url, third.artifact!, { 'deploy/app.yaml': 'kind: Other\n' });
        await assertServed(second.artifact!.url, second.artifact!, changed);

        await stage.artifacts.remove('app');
        await stage.artifacts.gone('app');
        for (const address of [second.artifact!.url, third.artifact!.url, third.url!]) {
          assert.equal((await download(address)).status, 404);
        }
        assert.deepEqual(await stage.files(), []);
      });
    });
  });
}

/** The file is what the status says, and `tar` finds these files in it. */
async function assertServed(
  url: string,
  artifact: StoredArtifact,
  files: Record<string, string>,
): Promise<void> {
  const { status, headers, body, digest } = await download(url);
  assert.deepEqual([status, digest, body.length], [200, artifact.digest, artifact.size], url);
  assert.deepEqual([headers['content-type'], headers['content-encoding']], ['application/gzip', undefined]);
  assert.deepEqual(await unpackFiles(body), files);
}
