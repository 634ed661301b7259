/** What the demo's registry holds for the `OCIRepository` objects of `examples/`. */
import { archiveFiles, type Files, fluxArtifact, helmChart } from '../registry/artifact.ts';
import type { ImageContent } from '../registry/image.ts';
import type { LocalRegistry } from '../registry/registry.ts';

const ORIGIN = 'org.opencontainers.image.';

/** A release of an application as `flux push artifact` makes it; the picture and the workflow are left out by default. */
function release(version: string): ImageContent {
  const files: Files = {
    'deploy/app.yaml': deployment(version),
    'deploy/logo.png': 'no picture, but called one',
    'docs/readme.md': `# Release ${version}\n`,
    '.github/workflow.yaml': 'on: push\n',
  };
  return fluxArtifact(files, {
    [`${ORIGIN}created`]: '2026-01-05T10:00:00Z',
    [`${ORIGIN}source`]: 'https://git.example.com/apps/web.git',
    [`${ORIGIN}revision`]: `${version}@sha1:7f2c0d0e1a9b4c57b0f0a6c1f9d1c2e3f4a5b6c7`,
  });
}

function deployment(version: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: registry.example.com/web:${version}}]
`;
}

const chart = (version: string) =>
  helmChart(
    { name: 'web', version, files: { 'templates/app.yaml': deployment(version) } },
    { provenance: true },
  );

/** Not compressed, so that its digest is the one in `examples/oci-repositories.yaml` with any release of Node. */
const PINNED: ImageContent = {
  config: { mediaType: 'application/vnd.cncf.flux.config.v1+json', data: '{}' },
  layers: [
    {
      mediaType: 'application/vnd.cncf.flux.content.v1.tar',
      data: archiveFiles({ 'deploy/app.yaml': deployment('0.9.0') }),
    },
  ],
};

const SAMPLES: Record<string, Record<string, ImageContent>> = {
  'manifests/web': {
    latest: release('1.2.0'),
    '1.0.0': release('1.0.0'),
    '1.1.0': release('1.1.0'),
    '1.2.0': release('1.2.0'),
    '2.0.0-rc.1': release('2.0.0-rc.1'),
  },
  'manifests/pinned': { '0.9.0': PINNED },
  'charts/web': { '6.1.0': chart('6.1.0'), '6.2.0': chart('6.2.0') },
};

/** Pushes them. A repository that is there already is left alone: somebody may have pushed to it. */
export async function pushSampleArtifacts(registry: LocalRegistry): Promise<void> {
  for (const [repository, images] of Object.entries(SAMPLES)) {
    if (registry.tags(repository).length > 0) continue;
    for (const [tag, image] of Object.entries(images)) await registry.push(repository, tag, image);
  }
}
