/** Which manifest is meant: `spec.ref` (section 8). Everything after that goes by its digest. */
import { HELM_CHART_LAYER, type OciRepositorySpec } from '../../shared/api/oci-repository.ts';
import { RegistryError } from '../../shared/oci/errors.ts';
import type { ImageName } from '../../shared/oci/image-name.ts';
import type { Manifest, Registry } from '../../shared/oci/registry.ts';
import { messageOf } from '../../shared/runtime/errors.ts';
import { referenceName } from './address.ts';

/** What the spec asks for: a digest, or the tag that stands for one now. */
export type Reference = { digest: string } | { tag: string };

export interface Resolved {
  /** Digest of the manifest that was asked for: of an index, not of one platform. */
  digest: string;
  /** `<tag>@sha256:<hex>`, or `sha256:<hex>` where a digest was asked for (8.6). */
  revision: string;
  /** For messages: `ghcr.io/acme/web:1.4.2`, `ghcr.io/acme/web@sha256:…`. */
  name: string;
  /** Where finding the digest brought it along. */
  manifest?: Manifest;
}

const DIGEST = /^sha256:[0-9a-f]{64}$/;
const TAG = /^\w[\w.-]{0,127}$/;

/**
 * `digest` wins over `semver`, `semver` over `tag`; nothing is `latest` (8.1). Only a range asks the registry.
 * @throws Error with the text that follows `failed to determine the artifact tag …: `
 */
export async function chooseReference(
  { ref, layerSelector }: Pick<OciRepositorySpec, 'ref' | 'layerSelector'>,
  registry: Registry,
  signal: AbortSignal,
): Promise<Reference> {
  if (ref?.digest) return { digest: ref.digest };
  if (!ref?.semver) return { tag: ref?.tag || 'latest' };
  const isChart = layerSelector?.mediaType === HELM_CHART_LAYER;
  return {
    tag: await greatestTag(registry, { range: ref.semver, filter: ref.semverFilter, isChart }, signal),
  };
}

interface Range {
  range: string;
  filter: string | undefined;
  /** Helm writes the `+` of a version as `_`, because no tag may have one. */
  isChart: boolean;
}

/** 8.4. What reads ranges and patterns is loaded with the first object that has one. */
async function greatestTag(registry: Registry, wanted: Range, signal: AbortSignal): Promise<string> {
  const { range, filter, isChart } = wanted;
  const { parseConstraint } = await import('../../shared/policy/semver-grammar.ts');
  const { OF_OCI_REPOSITORY, selectVersion } = await import('../../shared/policy/semver-selection.ts');
  const pattern = filter ? await compileFilter(filter) : undefined;
  const constraint = (() => {
    try {
      return parseConstraint(range);
    } catch (error) {
      throw new Error(`semver '${range}' parse error: ${messageOf(error)}`, { cause: error });
    }
  })();
  const { tags } = await registry.listTags(signal);
  const candidates = pattern ? tags.filter((tag) => pattern.test(tag)) : tags;
  const versions = isChart ? candidates.map((tag) => tag.replaceAll('_', '+')) : candidates;
  const greatest = selectVersion(versions, constraint, OF_OCI_REPOSITORY);
  if (greatest === undefined) throw new Error(`no match found for semver: ${range}`);
  return isChart ? greatest.replaceAll('+', '_') : greatest;
}

async function compileFilter(filter: string): Promise<{ test(tag: string): boolean }> {
  const { compilePattern } = await import('../../shared/policy/tag-pattern.ts');
  try {
    return await compilePattern(filter);
  } catch (error) {
    throw new Error(`invalid semverFilter '${filter}': ${messageOf(error)}`, { cause: error });
  }
}

/**
 * The digest that a reference stands for (8.5): no request for a digest, one for a tag.
 * @param options `wantsManifest`: the manifest is needed whatever the digest is, so it is asked for at once
 * @throws Error with the text that follows `failed to determine artifact digest: `
 */
export async function resolveReference(
  reference: Reference,
  options: { registry: Registry; image: ImageName; wantsManifest: boolean },
  signal: AbortSignal,
): Promise<Resolved> {
  const { registry, image, wantsManifest } = options;
  if ('digest' in reference) {
    const { digest } = reference;
    if (!DIGEST.test(digest)) throw new Error(`'${digest}' is no digest of the form sha256:<64 hex digits>`);
    return { digest, revision: digest, name: referenceName(image, `@${digest}`) };
  }
  const { tag } = reference;
  requireTag(tag);
  const found = (digest: string, manifest?: Manifest): Resolved => ({
    digest,
    revision: `${tag}@${digest}`,
    name: referenceName(image, `:${tag}`),
    ...(manifest && { manifest }),
  });
  try {
    const digest = wantsManifest ? undefined : await headDigest(registry, tag, signal);
    if (digest) return found(digest);
    const manifest = await registry.manifest(tag, signal);
    return found(manifest.digest, manifest);
  } catch (error) {
    throw isMissingTag(error) ? new Error(`couldn't find tag "${tag}"`, { cause: error }) : error;
  }
}

/**
 * Undefined: ask with GET, whose answer decides (8.5), also where the digest of the header is none that a revision has.
 * Not after a refusal, which would send a bad password once more,
 * nor where the registry is too busy or cannot be reached: that was repeated already.
 */
async function headDigest(registry: Registry, tag: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const digest = await registry.digestOf(tag, signal);
    return DIGEST.test(digest) ? digest : undefined;
  } catch (error) {
    if (!(error instanceof RegistryError) || error.status === 0) throw error;
    if (error.status === 401 || error.status === 429 || error.postponedMs !== undefined) throw error;
    return undefined;
  }
}

function requireTag(tag: string): void {
  if (TAG.test(tag)) return;
  const at = tag.indexOf('@sha256:');
  const advice = at < 0 ? '' : `; move '${tag.slice(at + 1)}' to spec.ref.digest`;
  throw new Error(`'${tag}' is no tag${advice}`);
}

/** A repository that is not there is another matter: then the registry's own words say more. */
function isMissingTag(error: unknown): boolean {
  return error instanceof RegistryError && error.status === 404 && !error.codes.includes('NAME_UNKNOWN');
}
