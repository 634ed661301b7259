/** Which functions there are: the entries of `functions` in `serverless.yml`, the one list. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';

/** The folder of `serverless.yml`: where the build reads and writes. */
export const PROJECT_FOLDER = join(import.meta.dirname, '..', '..');

const Service = z.object({
  functions: z.record(
    z.string().regex(/^[a-z][a-z0-9-]*$/, 'the name of a function is lower-case letters, digits and dashes'),
    z.object({ package: z.object({ artifact: z.string() }) }),
  ),
});

/** `entry` is the source that is bundled, `artifact` the zip that is deployed: absolute paths. */
export interface FunctionSource {
  name: string;
  entry: string;
  artifact: string;
}

/**
 * The functions in the order of `serverless.yml`.
 * @throws z.ZodError when an entry has no artifact or a name that is no folder of `functions/`
 */
export function listFunctions(folder = PROJECT_FOLDER): FunctionSource[] {
  // CloudFormation's tags (!Ref, …) mean nothing here: their values are read as they stand.
  const document: unknown = parse(readFileSync(join(folder, 'serverless.yml'), 'utf8'), {
    logLevel: 'error',
  });
  return Object.entries(Service.parse(document).functions).map(([name, entry]) => ({
    name,
    entry: join(folder, 'functions', name, 'handler.ts'),
    artifact: join(folder, entry.package.artifact),
  }));
}
