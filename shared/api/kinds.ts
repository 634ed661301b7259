/** The kinds that Longshore serves. A further one is a further line. */
import { IMAGE_POLICY_KIND } from './image-policy-schema.ts';
import { IMAGE_REPOSITORY_KIND } from './image-repository-schema.ts';
import type { Kind } from './kind.ts';
import { OCI_REPOSITORY_KIND } from './oci-repository-schema.ts';
import { QUAY_IMAGE_REPOSITORY_KIND } from './quay-image-repository-schema.ts';

export const KINDS: readonly Kind[] = [
  IMAGE_REPOSITORY_KIND,
  IMAGE_POLICY_KIND,
  OCI_REPOSITORY_KIND,
  QUAY_IMAGE_REPOSITORY_KIND,
];

/** The kind of that group **and** name: the name alone is ambiguous. */
export function findKind(group: string, kind: string): Kind | undefined {
  return KINDS.find((each) => each.group === group && each.kind === kind);
}

/** The kind behind a path of the API, e.g. `image.toolkit.fluxcd.io`, `imagerepositories`. */
export function findKindByPlural(group: string, plural: string): Kind | undefined {
  return KINDS.find((each) => each.group === group && each.plural === plural);
}
