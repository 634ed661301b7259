/**
 * What the registry knows of its repositories: tags, manifests and which blobs are whose. The content itself is in
 * `blob-store.ts`. Every change is a value, so that the same code serves requests and reads the journal back.
 */

export interface ManifestRecord {
  digest: string;
  mediaType: string;
  /** Bytes. */
  size: number;
  /** What a listing of referrers needs of a manifest that has a subject. */
  referrer?: { subject: string; artifactType?: string; annotations?: Record<string, string> };
}

export type CatalogChange =
  | { change: 'blob'; repository: string; digest: string }
  | { change: 'blob-gone'; repository: string; digest: string }
  | { change: 'manifest'; repository: string; manifest: ManifestRecord }
  | { change: 'manifest-gone'; repository: string; digest: string }
  | { change: 'tags'; repository: string; tags: readonly string[]; digest: string }
  | { change: 'tag-gone'; repository: string; tag: string };

export class Repository {
  readonly tags = new Map<string, string>();
  readonly manifests = new Map<string, ManifestRecord>();
  readonly blobs = new Set<string>();
  #sorted: string[] | undefined;

  /** Tags in byte order, as CNCF Distribution pages them. */
  tagNames(): readonly string[] {
    this.#sorted ??= [...this.tags.keys()].sort();
    return this.#sorted;
  }

  /** The record under a tag or digest. */
  manifest(reference: string): ManifestRecord | undefined {
    return this.manifests.get(this.tags.get(reference) ?? reference);
  }

  setTags(tags: readonly string[], digest: string): void {
    for (const tag of tags) {
      const known = this.tags.has(tag);
      this.tags.set(tag, digest);
      if (known || !this.#sorted) continue;
      // One more tag keeps the order that is there: sorting 10,000 tags again at every push would cost milliseconds.
      if (tags.length === 1) this.#sorted.splice(firstAfter(this.#sorted, tag), 0, tag);
      else this.#sorted = undefined;
    }
  }

  removeTag(tag: string): void {
    this.tags.delete(tag);
    this.#sorted = undefined;
  }

  removeManifest(digest: string): void {
    this.manifests.delete(digest);
    for (const [tag, target] of this.tags) if (target === digest) this.removeTag(tag);
  }
}

/** Index of the first element of the ordered `names` that comes after `name`. */
export function firstAfter(names: readonly string[], name: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (names[middle]! <= name) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class Catalog {
  readonly #repositories = new Map<string, Repository>();

  repository(name: string): Repository | undefined {
    return this.#repositories.get(name);
  }

  apply(change: CatalogChange): void {
    const repository = this.#open(change.repository);
    switch (change.change) {
      case 'blob':
        repository.blobs.add(change.digest);
        break;
      case 'blob-gone':
        repository.blobs.delete(change.digest);
        break;
      case 'manifest':
        repository.manifests.set(change.manifest.digest, change.manifest);
        break;
      case 'manifest-gone':
        repository.removeManifest(change.digest);
        break;
      case 'tags':
        repository.setTags(change.tags, change.digest);
        break;
      case 'tag-gone':
        repository.removeTag(change.tag);
        break;
    }
  }

  /** The shortest list of changes that leads to this catalog. */
  *changes(): Generator<CatalogChange> {
    for (const [repository, { blobs, manifests, tags }] of this.#repositories) {
      for (const digest of blobs) yield { change: 'blob', repository, digest };
      for (const manifest of manifests.values()) yield { change: 'manifest', repository, manifest };
      const byDigest = Map.groupBy(tags, ([, digest]) => digest);
      for (const [digest, pairs] of byDigest) {
        yield { change: 'tags', repository, tags: pairs.map(([tag]) => tag), digest };
      }
    }
  }

  #open(name: string): Repository {
    let repository = this.#repositories.get(name);
    if (!repository) {
      repository = new Repository();
      this.#repositories.set(name, repository);
    }
    return repository;
  }
}
