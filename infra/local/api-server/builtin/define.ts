/** A built-in resource from its zod schema: what custom resources get from their descriptor. */
import * as z from 'zod';
import { applyDefaults, pruneUnknown, validate } from '../../../../shared/api/admission.ts';
import { structuralSchemaOf } from '../../../../shared/api/structural-schema.ts';
import { AGE, NAME } from '../columns.ts';
import { withMeta } from '../meta-schema.ts';
import { ALL_VERBS, type ResourceDefinition, type TableColumn } from '../resource-definition.ts';

type Optional =
  | 'prepare'
  | 'check'
  | 'selectableFields'
  | 'present'
  | 'storedAs'
  | 'shortNames'
  | 'nameRule'
  | 'verbs'
  | 'statusSubresource';

/** What a file such as `secret.ts` states. */
export interface BuiltinOptions extends Partial<Pick<ResourceDefinition, Optional>> {
  group?: string;
  version?: string;
  plural: string;
  kind: string;
  namespaced?: boolean;
  description: string;
  /** Everything beside `apiVersion`, `kind` and `metadata`. */
  fields: z.ZodRawShape;
  /** Members that a new object has even when they are empty. */
  structs?: readonly string[];
  /** Columns; without any: name and age. */
  columns?: readonly TableColumn[];
}

export function defineBuiltin(options: BuiltinOptions): ResourceDefinition {
  const { fields, description, columns = [NAME, AGE], version = 'v1', ...rest } = options;
  const schema = z
    .object({
      apiVersion: z.string().optional().describe('Group and version of the schema of this object.'),
      kind: z.string().optional().describe('Name of the kind of this object.'),
      metadata: z.looseObject({}).optional(),
      ...fields,
    })
    .describe(description);
  const described = { schema };
  return {
    group: '',
    listKind: `${options.kind}List`,
    singular: options.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    namespaced: true,
    deprecations: {},
    verbs: ALL_VERBS,
    custom: false,
    statusSubresource: false,
    nameRule: 'subdomain',
    structs: [],
    schema: withMeta(structuralSchemaOf(described)),
    prune: (object) => pruneUnknown(described, object),
    applyDefaults: (object) => applyDefaults(described, object),
    validate: (object) => validate(described, object),
    columns: () => columns,
    ...rest,
    versions: [version],
  };
}
