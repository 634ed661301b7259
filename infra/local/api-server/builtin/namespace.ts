/** `Namespace`: labelled with its own name, emptied and removed by `namespace-lifecycle.ts`. */
import * as z from 'zod';
import { AGE, NAME } from '../columns.ts';
import { type Tree, textAt, treeAt } from '../tree.ts';
import { defineBuiltin } from './define.ts';
import { optionalText } from './fields.ts';

/** The label that a namespace always has: its name. */
export const NAME_LABEL = 'kubernetes.io/metadata.name';

/** Namespaces that exist from the start and cannot be deleted. */
export const INITIAL_NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];
export const PROTECTED_NAMESPACES = ['default', 'kube-public', 'kube-system'];

export const NAMESPACE_RESOURCE = defineBuiltin({
  plural: 'namespaces',
  kind: 'Namespace',
  shortNames: ['ns'],
  namespaced: false,
  nameRule: 'label',
  statusSubresource: true,
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  description: 'A scope for names: objects of two namespaces may have the same name.',
  structs: ['spec', 'status'],
  fields: {
    spec: z
      .object({
        finalizers: z
          .array(z.string())
          .nullable()
          .optional()
          .describe('Whoever must agree before the namespace is removed.'),
      })
      .nullable()
      .optional()
      .describe('Behaviour of the namespace.'),
    status: z
      .object({
        phase: optionalText.describe('Active or Terminating.'),
        conditions: z.array(z.looseObject({})).nullable().optional().describe('The state in detail.'),
      })
      .nullable()
      .optional()
      .describe('Observed state of the namespace.'),
  },
  columns: [
    NAME,
    {
      name: 'Status',
      type: 'string',
      description: 'Phase of the namespace.',
      cell: (object) => textAt(object, 'status', 'phase'),
    },
    AGE,
  ],
  selectableFields: (object) => ({ 'status.phase': textAt(object, 'status', 'phase') }),
  prepare(object, before) {
    const { metadata } = object;
    const labels = { ...metadata.labels, [NAME_LABEL]: metadata.name };
    const spec: Tree = treeAt(object, 'spec');
    return {
      ...object,
      metadata: { ...metadata, labels },
      spec: before
        ? { ...spec, finalizers: treeAt(before, 'spec').finalizers }
        : { finalizers: ['kubernetes'] },
      status: before ? { phase: 'Active', ...treeAt(object, 'status') } : { phase: 'Active' },
    };
  },
});
