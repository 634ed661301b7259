/** Who may choose from the tags of a repository (section 7): its own namespace, and those that its access list selects. */
import type { ImageRepositorySpec } from '../../shared/api/image-repository.ts';

type AccessList = ImageRepositorySpec['accessFrom'];

/** Whether an access list has an entry at all: without one nobody else has access, whatever the labels. */
export function hasEntries(accessFrom: AccessList): boolean {
  return (accessFrom?.namespaceSelectors?.length ?? 0) > 0;
}

/**
 * Whether any selector of the list matches a namespace with these labels (IR-ACL-3): all labels of one selector must be
 * equal; one without labels matches every namespace.
 */
export function selects(accessFrom: AccessList, labels: Readonly<Record<string, string>>): boolean {
  return (accessFrom?.namespaceSelectors ?? []).some(({ matchLabels = {} }) =>
    Object.entries(matchLabels).every(
      ([name, value]) => Object.hasOwn(labels, name) && labels[name] === value,
    ),
  );
}
