/** The kinds that the scenarios know: how an object of each looks, and what counts as an edit. */
import { type Files, fluxArtifact } from '../../infra/local/registry/artifact.ts';
import type { ImageContent } from '../../infra/local/registry/image.ts';
import { IMAGE_POLICY } from '../../shared/api/image-policy.ts';
import { IMAGE_REPOSITORY } from '../../shared/api/image-repository.ts';
import type { KindNames } from '../../shared/api/kind.ts';
import { OCI_REPOSITORY } from '../../shared/api/oci-repository.ts';
import type { Resource } from '../../shared/kube/resource.ts';

export interface BenchKind {
  resource: Resource;
  /** The `spec` of object number `index`; `interval` is a Go duration. */
  spec(index: number, registry: string, interval: string): Record<string, unknown>;
  /** What the objects refer to: created before them. */
  needs?(registry: string): { kind: BenchKind; name: string; spec: Record<string, unknown> }[];
  /** A merge patch of `spec` that makes work: edit number `round` of an object. */
  edit(round: number): Record<string, unknown>;
  /** What a run that finds nothing new leaves behind, by which such runs are counted: one of these each. */
  quietRunsAre: 'status writes' | 'registry requests';
}

/** Repositories that the objects share out among themselves: `bench/app-N` with tags, `bench/artifact-N` with `latest`. */
export const REPOSITORIES = 10;

/** Twelve small files, as an application's manifests are. @param index of the repository */
export function benchArtifact(index: number): ImageContent {
  const lines = Array.from({ length: 20 }, (_, line) => `  key-${line}: value of line ${line} in ${index}\n`);
  const files: Files = {};
  for (let file = 0; file < 12; file++) {
    files[`deploy/part-${file}.yaml`] =
      `kind: ConfigMap\nmetadata: {name: part-${file}}\ndata:\n${lines.join('')}`;
  }
  return fluxArtifact(files);
}

const imageRepository: BenchKind = {
  resource: resourceOf(IMAGE_REPOSITORY),
  spec: (index, registry, interval) => ({
    image: `${registry}/bench/app-${index % REPOSITORIES}`,
    interval,
    timeout: '60s',
  }),
  edit: (round) => ({ exclusionList: [`^never-${round}$`] }),
  quietRunsAre: 'status writes',
};

/** The interval is that of the digest: a timer run looks at it. */
const imagePolicy: BenchKind = {
  resource: resourceOf(IMAGE_POLICY),
  spec: (index, _registry, interval) => ({
    imageRepositoryRef: { name: `scan-${index % REPOSITORIES}` },
    policy: { semver: { range: '1.x' } },
    digestReflectionPolicy: 'Always',
    interval,
  }),
  needs: (registry) =>
    Array.from({ length: REPOSITORIES }, (_, index) => ({
      kind: imageRepository,
      name: `scan-${index}`,
      spec: imageRepository.spec(index, registry, '1h'),
    })),
  edit: (round) => ({ policy: { semver: { range: `<=1.0.${round}` } } }),
  quietRunsAre: 'registry requests',
};

const ociRepository: BenchKind = {
  resource: resourceOf(OCI_REPOSITORY),
  spec: (index, registry, interval) => ({
    url: `oci://${registry}/bench/artifact-${index % REPOSITORIES}`,
    interval,
    timeout: '60s',
  }),
  edit: (round) => ({ ignore: `never-${round}` }),
  quietRunsAre: 'registry requests',
};

export const BENCH_KINDS: Record<string, BenchKind> = {
  imagerepository: imageRepository,
  imagepolicy: imagePolicy,
  ocirepository: ociRepository,
};

function resourceOf({ group, kind, plural }: KindNames): Resource {
  return { group, kind, plural, version: 'v1', namespaced: true };
}
