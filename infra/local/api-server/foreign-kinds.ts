/**
 * Kinds of others, from their CustomResourceDefinitions: served as they are described, but for their schemas. Any spec
 * and status is taken, as a CRD that preserves unknown fields does; what is in them is nobody's business here.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import { defineKind, type Kind } from '../../../shared/api/kind.ts';

/** What the demo serves beside our kinds. */
export const FOREIGN_CRDS = join(import.meta.dirname, '../crds');

const ColumnOf = z.object({
  name: z.string(),
  jsonPath: z.string(),
  type: z.enum(['string', 'integer', 'number', 'boolean', 'date']),
});

const Definition = z.object({
  spec: z.object({
    group: z.string(),
    names: z.object({
      kind: z.string(),
      plural: z.string(),
      singular: z.string(),
      shortNames: z.array(z.string()).default([]),
      categories: z.array(z.string()).default([]),
    }),
    scope: z.literal('Namespaced'),
    versions: z.array(
      z.object({ name: z.string(), additionalPrinterColumns: z.array(ColumnOf).default([]) }),
    ),
  }),
});

const AGE = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' } as const;

/**
 * The kinds that the CRDs of a folder define, one a `*.yaml` file.
 * @throws Error naming the file that holds no CRD of a namespaced kind
 */
export async function readForeignKinds(folder: string = FOREIGN_CRDS): Promise<Kind[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort();
  return Promise.all(
    files.map(async (name) => {
      const file = join(folder, name);
      const parsed = Definition.safeParse(parse(await readFile(file, 'utf8')));
      if (parsed.success) return kindOf(parsed.data);
      throw new Error(`${file}: ${z.prettifyError(parsed.error)}`);
    }),
  );
}

function kindOf({ spec: { group, names, versions } }: z.infer<typeof Definition>): Kind {
  const columns = (given: z.infer<typeof ColumnOf>[]) => (given.length > 0 ? given : [AGE]);
  return defineKind({
    group,
    ...names,
    versions: versions.map(({ name }) => name),
    presentation: Object.fromEntries(
      versions.map(({ name, additionalPrinterColumns }) => [
        name,
        { columns: columns(additionalPrinterColumns) },
      ]),
    ),
    // None of ours: nothing of us looks at it.
    finalizer: '',
    description: `${names.kind} of ${group}.`,
    spec: z.looseObject({}).optional(),
    status: z.looseObject({}).optional(),
  });
}
