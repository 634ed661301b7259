/** The kinds that the scenarios know: how an object of each looks, and what counts as an edit. */
import { IMAGE_REPOSITORY } from '../../shared/api/image-repository.ts';
import type { Resource } from '../../shared/kube/resource.ts';

export interface BenchKind {
  resource: Resource;
  /** The `spec` of object number `index`; `interval` is a Go duration. */
  spec(index: number, registry: string, interval: string): Record<string, unknown>;
  /** A merge patch of `spec` that makes work: edit number `round` of an object. */
  edit(round: number): Record<string, unknown>;
}

/** Repositories that the objects share out among themselves. */
export const REPOSITORIES = 10;

export const BENCH_KINDS: Record<string, BenchKind> = {
  imagerepository: {
    resource: {
      group: IMAGE_REPOSITORY.group,
      version: 'v1',
      plural: IMAGE_REPOSITORY.plural,
      kind: IMAGE_REPOSITORY.kind,
      namespaced: true,
    },
    spec: (index, registry, interval) => ({
      image: `${registry}/bench/app-${index % REPOSITORIES}`,
      interval,
      timeout: '60s',
    }),
    edit: (round) => ({ exclusionList: [`^never-${round}$`] }),
  },
};
