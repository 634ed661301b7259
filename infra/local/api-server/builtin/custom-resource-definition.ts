/** `CustomResourceDefinition`: those of our kinds, to be read. The set of kinds is fixed. */
import * as z from 'zod';
import { NAME } from '../columns.ts';
import { READ_VERBS } from '../resource-definition.ts';
import { defineBuiltin } from './define.ts';

export const CRD_RESOURCE = defineBuiltin({
  group: 'apiextensions.k8s.io',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  shortNames: ['crd', 'crds'],
  namespaced: false,
  verbs: READ_VERBS,
  statusSubresource: true,
  description: 'Describes a kind of custom resource. The embedded control plane serves a fixed set of kinds.',
  fields: {
    spec: z.looseObject({}).optional().describe('Names, versions and schemas of the kind.'),
    status: z.looseObject({}).optional().describe('Whether the kind is served.'),
  },
  columns: [
    NAME,
    {
      name: 'Created At',
      type: 'date',
      description: 'When the definition was created.',
      cell: (object) => object.metadata.creationTimestamp ?? '<unknown>',
    },
  ],
});
