/** Field schemas of built-in types. Descriptions are what `kubectl explain` prints. */
import * as z from 'zod';

export const optionalText = z.string().nullable().optional();
export const optionalFlag = z.boolean().nullable().optional();
export const optionalInt = z.int().meta({ format: 'int32' }).nullable().optional();
/** RFC 3339; null counts as none. */
export const optionalTime = z.iso.datetime({ offset: true }).nullable().optional();
export const textMap = z.record(z.string(), z.string()).nullable().optional();
/** Base64 in JSON; what it decodes to is checked by the kind. */
export const bytesMap = z
  .record(z.string(), z.string().meta({ format: 'byte' }))
  .nullable()
  .optional();

/** A struct that is owned and replaced as a whole. */
export function atomic<S extends z.ZodType>(schema: S): S {
  return schema.meta({ ...schema.meta(), 'x-kubernetes-map-type': 'atomic' });
}

/** A list of objects told apart by `key`, for apply and for strategic merge patches. */
export function keyedList<S extends z.ZodType>(items: S, key: string) {
  return z
    .array(items)
    .nullable()
    .optional()
    .meta({
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': [key],
      'x-kubernetes-patch-strategy': 'merge',
      'x-kubernetes-patch-merge-key': key,
    });
}

export const objectReference = atomic(
  z.object({
    kind: optionalText.describe('Kind of the object.'),
    namespace: optionalText.describe('Namespace of the object.'),
    name: optionalText.describe('Name of the object.'),
    uid: optionalText.describe('UID of the object.'),
    apiVersion: optionalText.describe('Group and version of the object.'),
    resourceVersion: optionalText.describe('Version of the object that is meant.'),
    fieldPath: optionalText.describe('Part of the object that is meant, e.g. spec.containers[2].'),
  }),
).describe('Names another object.');

const ownerReference = atomic(
  z.object({
    apiVersion: z.string().describe('Group and version of the owner.'),
    kind: z.string().describe('Kind of the owner.'),
    name: z.string().describe('Name of the owner.'),
    uid: z.string().describe('UID of the owner.'),
    controller: optionalFlag.describe('True for the one owner that manages the object.'),
    blockOwnerDeletion: optionalFlag.describe(
      'The owner cannot be deleted in the foreground while this object exists.',
    ),
  }),
);

/** `metadata`. What the server sets is accepted and overwritten. */
export const objectMeta = z
  .object({
    name: optionalText.describe('Name of the object, unique in its namespace. Cannot be changed.'),
    generateName: optionalText.describe('Prefix of a name that the server completes, when no name is given.'),
    namespace: optionalText.describe('Namespace of the object. Cannot be changed.'),
    labels: textMap.describe('Keys and values by which objects are selected.'),
    annotations: textMap.describe('Keys and values that tools store with the object.'),
    finalizers: z
      .array(z.string())
      .nullable()
      .optional()
      .describe('Whoever must agree before the object is removed, one entry each.')
      .meta({ 'x-kubernetes-list-type': 'set', 'x-kubernetes-patch-strategy': 'merge' }),
    ownerReferences: keyedList(ownerReference, 'uid').describe(
      'Objects that this one belongs to: when all of them are gone, it is deleted.',
    ),
    uid: optionalText.describe('Identity of the object in time and space. Set by the server.'),
    resourceVersion: optionalText.describe('Changes with every write of the object. Set by the server.'),
    generation: z
      .int()
      .meta({ format: 'int64' })
      .nullable()
      .optional()
      .describe('Counts the desired states of the object. Set by the server.'),
    creationTimestamp: optionalTime.describe('When the object was created. Set by the server.'),
    deletionTimestamp: optionalTime.describe('When the deletion was asked for. Set by the server.'),
    deletionGracePeriodSeconds: optionalInt.describe('Seconds that the deletion waits. Set by the server.'),
    selfLink: optionalText.describe('No longer used.'),
    managedFields: z
      .array(z.looseObject({}))
      .nullable()
      .optional()
      .describe('Who owns which fields, for server-side apply.'),
  })
  .describe('What every object has: name, labels, and the bookkeeping of the server.');
