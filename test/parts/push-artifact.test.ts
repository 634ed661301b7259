/** The pushers against both real registries: what they push is what was given to them. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, test } from 'node:test';
import { startDebianRegistry } from './debian-registry.ts';
import { startDistribution } from './distribution.ts';
import { needs } from './parts.ts';
import {
  FLUX_CONFIG,
  FLUX_CONTENT,
  packFiles,
  pushWithOras,
  pushWithSkopeo,
  unpackFiles,
} from './push-artifact.ts';

const FILES = { 'app.yaml': 'kind: App\n', 'deep/er/x.yaml': 'kind: X\n' };

for (const [program, push] of [
  ['oras', pushWithOras],
  ['skopeo', pushWithSkopeo],
] as const) {
  for (const [registry, start] of [
    ['registry', startDistribution],
    ['docker-registry', startDebianRegistry],
  ] as const) {
    describe(`${program} pushes to ${registry}`, needs(program, registry, 'tar'), () => {
      test('with the media types of Flux', async (t) => {
        const server = await start();
        t.after(() => server.stop());
        const body = await packFiles(FILES);
        const digest = await push({
          repository: `${server.host}/team/app`,
          tag: 'v1',
          layers: [{ mediaType: FLUX_CONTENT, body }],
          annotations: { 'org.opencontainers.image.source': 'here' },
        });
        const accept = { accept: 'application/vnd.oci.image.manifest.v1+json' };
        const answer = await fetch(`${server.url}/v2/team/app/manifests/v1`, { headers: accept });
        assert.equal(answer.headers.get('docker-content-digest'), digest);
        const manifest = (await answer.json()) as {
          config: { mediaType: string };
          layers: { mediaType: string; digest: string }[];
          annotations: Record<string, string>;
        };
        assert.equal(manifest.config.mediaType, FLUX_CONFIG);
        assert.deepEqual(
          manifest.layers.map(({ mediaType, digest }) => [mediaType, digest]),
          [[FLUX_CONTENT, `sha256:${hash('sha256', body)}`]],
        );
        assert.equal(manifest.annotations['org.opencontainers.image.source'], 'here');
        const blob = await fetch(`${server.url}/v2/team/app/blobs/${manifest.layers[0]!.digest}`);
        assert.deepEqual(await unpackFiles(Buffer.from(await blob.arrayBuffer())), FILES);
      });
    });
  }
}
