/** `Lease` of `coordination.k8s.io`: leader election. */
import * as z from 'zod';
import { AGE, NAME } from '../columns.ts';
import { invalidValue, type Problem } from '../problems.ts';
import { textAt, valueAt } from '../tree.ts';
import { defineBuiltin } from './define.ts';
import { optionalInt, optionalText, optionalTime } from './fields.ts';

export const LEASE_RESOURCE = defineBuiltin({
  group: 'coordination.k8s.io',
  plural: 'leases',
  kind: 'Lease',
  description: 'Says who holds a role, and until when.',
  structs: ['spec'],
  fields: {
    spec: z
      .object({
        holderIdentity: optionalText.describe('Who holds the lease.'),
        leaseDurationSeconds: optionalInt.describe(
          'Seconds after the last renewal that others wait before they take over.',
        ),
        acquireTime: optionalTime.describe('When the holder got the lease.'),
        renewTime: optionalTime.describe('When the holder last renewed it.'),
        leaseTransitions: optionalInt.describe('How often the holder changed.'),
        strategy: optionalText.describe('How the holder is chosen, with coordinated elections.'),
        preferredHolder: optionalText.describe('Who should get the lease next.'),
      })
      .nullable()
      .optional()
      .describe('The state of the lease.'),
  },
  columns: [
    NAME,
    {
      name: 'Holder',
      type: 'string',
      description: 'Who holds the lease.',
      cell: (object) => textAt(object, 'spec', 'holderIdentity'),
    },
    AGE,
  ],
  check(object) {
    const problems: Problem[] = [];
    const duration = valueAt(object, 'spec', 'leaseDurationSeconds');
    if (typeof duration === 'number' && duration <= 0) {
      problems.push(invalidValue('spec.leaseDurationSeconds', duration, 'must be greater than 0'));
    }
    const transitions = valueAt(object, 'spec', 'leaseTransitions');
    if (typeof transitions === 'number' && transitions < 0) {
      problems.push(invalidValue('spec.leaseTransitions', transitions, 'must be greater than or equal to 0'));
    }
    return problems;
  },
});
