/** `ServiceAccount`. Its tokens come from `reviews.ts`. */
import * as z from 'zod';
import { defineBuiltin } from './define.ts';
import { keyedList, objectReference, optionalFlag, optionalText } from './fields.ts';

const localReference = z.object({ name: optionalText.describe('Name of the Secret.') });

export const SERVICE_ACCOUNT_RESOURCE = defineBuiltin({
  plural: 'serviceaccounts',
  kind: 'ServiceAccount',
  shortNames: ['sa'],
  description: 'An identity for programs, with the Secrets that they use to pull images.',
  fields: {
    secrets: keyedList(objectReference, 'name').describe('Secrets that belong to the account.'),
    imagePullSecrets: z
      .array(localReference)
      .nullable()
      .optional()
      .describe('Secrets in the same namespace with the credentials of registries.')
      .meta({ 'x-kubernetes-patch-strategy': 'merge', 'x-kubernetes-patch-merge-key': 'name' }),
    automountServiceAccountToken: optionalFlag.describe('Whether pods get a token of the account.'),
  },
});
