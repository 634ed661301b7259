/** Resources of our own kinds: everything comes from their descriptors in `shared/api`. */
import { applyDefaults, pruneUnknown, validate } from '../../../shared/api/admission.ts';
import type { Kind } from '../../../shared/api/kind.ts';
import { structuralSchemaOf } from '../../../shared/api/structural-schema.ts';
import { NAME, printerColumn } from './columns.ts';
import { withMeta } from './meta-schema.ts';
import { ALL_VERBS, type ResourceDefinition } from './resource-definition.ts';

export function customResource(kind: Kind): ResourceDefinition {
  const columns = Object.fromEntries(
    kind.versions.map((version) => [
      version,
      [NAME, ...kind.presentation[version]!.columns.map(printerColumn)],
    ]),
  );
  const deprecations = kind.versions.flatMap((version) => {
    const text = kind.presentation[version]?.deprecation;
    return text ? [[version, text]] : [];
  });
  return {
    group: kind.group,
    plural: kind.plural,
    kind: kind.kind,
    listKind: kind.listKind,
    singular: kind.singular,
    shortNames: kind.shortNames,
    categories: kind.categories,
    namespaced: kind.namespaced,
    versions: kind.versions,
    deprecations: Object.fromEntries(deprecations),
    verbs: ALL_VERBS,
    custom: true,
    statusSubresource: true,
    nameRule: 'subdomain',
    schema: withMeta(structuralSchemaOf(kind)),
    structs: [],
    prune: (object) => pruneUnknown(kind, object),
    applyDefaults: (object) => applyDefaults(kind, object),
    validate: (object) => validate(kind, object),
    columns: (version) => columns[version] ?? [NAME],
  };
}
