/** The image that a policy has chosen and the one before, as its status keeps them (8.8). */
import type { ImagePolicyStatus, ImageReference } from '../../shared/api/image-policy.ts';

/** Undefined: there is none yet. */
export interface References {
  latest: ImageReference | undefined;
  previous: ImageReference | undefined;
}

/** What the status tells; an older CRD has kept only the texts `name:tag` of it (IR-API-3). */
export function storedReferences(status: ImagePolicyStatus | undefined): References {
  return {
    latest: status?.latestRef ?? parseReference(status?.latestImage),
    previous: status?.observedPreviousRef ?? parseReference(status?.observedPreviousImage),
  };
}

/** The references after a choice: one that differs in name, tag or digest moves the one before it on (IR-REF-2). */
export function nextReferences(
  { latest, previous }: References,
  choice: ImageReference,
): References & { latest: ImageReference } {
  if (latest && isSame(latest, choice)) return { latest: choice, previous };
  return { latest: choice, previous: latest };
}

/** Whether both name the same tag of the same image, whatever the digest. */
export function isSameTag(a: ImageReference | undefined, b: ImageReference): boolean {
  return a?.name === b.name && a.tag === b.tag;
}

export function isSame(a: ImageReference, b: ImageReference): boolean {
  return isSameTag(a, b) && (a.digest ?? '') === (b.digest ?? '');
}

/** `name:tag`, as `latestImage` has it: never with the digest (IR-API-4). */
export function imageText({ name, tag }: ImageReference): string {
  return `${name}:${tag}`;
}

/** The text of the Ready condition after a choice (8.9). */
export function choiceText({ latest, previous }: References & { latest: ImageReference }): string {
  const digest = latest.digest ? ` with digest ${latest.digest}` : '';
  const before = previous && !isSame(previous, latest) ? ` (previously ${fullText(previous)})` : '';
  return `Latest image tag for ${latest.name} resolved to ${latest.tag}${digest}${before}`;
}

function fullText(reference: ImageReference): string {
  return imageText(reference) + (reference.digest ? `@${reference.digest}` : '');
}

/** The tag stands behind the last colon; a colon before the last slash is that of a port. */
function parseReference(text: string | undefined): ImageReference | undefined {
  const colon = text?.lastIndexOf(':') ?? -1;
  if (!text || colon <= text.lastIndexOf('/')) return undefined;
  return { name: text.slice(0, colon), tag: text.slice(colon + 1) };
}
