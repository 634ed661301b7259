/**
 * Real programs that tests run where they exist (API server, registry, S3 server, kubectl, …). They are no part of the
 * product: a fresh machine has none of them, and what needs one is skipped there.
 */
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';

const found = new Map<string, string | undefined>();

/** Path of a program: in `LONGSHORE_TOOLS`, in `KUBEBUILDER_ASSETS`, then in `PATH`; undefined when it is nowhere. */
export function part(name: string): string | undefined {
  if (!found.has(name))
    found.set(
      name,
      folders()
        .map((folder) => path.join(folder, name))
        .find(isProgram),
    );
  return found.get(name);
}

/**
 * Options for `test` and `describe` that need programs: `describe('…', needs('kube-apiserver', 'etcd'), () => …)`.
 * The runner knows the form of the text (`test/runner/skips.ts`).
 */
export function needs(...names: string[]): { skip: string | false } {
  const missing = names.some((name) => part(name) === undefined);
  return { skip: missing && `needs ${names.join(', ')}: set LONGSHORE_TOOLS or KUBEBUILDER_ASSETS` };
}

function folders(): string[] {
  const { LONGSHORE_TOOLS, KUBEBUILDER_ASSETS, PATH } = process.env;
  return [LONGSHORE_TOOLS, KUBEBUILDER_ASSETS, ...(PATH ?? '').split(path.delimiter)].filter(
    (folder) => !!folder,
  ) as string[];
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
