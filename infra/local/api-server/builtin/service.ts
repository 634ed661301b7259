/** `Service`: there are none here, but `kubectl cluster-info` and `get all` look for them. */
import * as z from 'zod';
import { READ_VERBS } from '../resource-definition.ts';
import { defineBuiltin } from './define.ts';

export const SERVICE_RESOURCE = defineBuiltin({
  plural: 'services',
  kind: 'Service',
  shortNames: ['svc'],
  verbs: READ_VERBS,
  description: 'A network service. The embedded control plane runs none: this list is empty.',
  fields: { spec: z.looseObject({}).optional().describe('The service.') },
});
