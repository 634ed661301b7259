/** Runs kubectl against a server. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import type { ApiServerInUse } from '../parts/api-server.ts';
import { part } from '../parts/parts.ts';

export interface Outcome {
  code: number;
  /** Both streams; what went to standard error after what went to standard output. */
  output: string;
}

export interface KubectlOptions {
  input?: string;
  /** A command that changes the file it is given: for `kubectl edit`. */
  editor?: string;
}

/** Declares a kubectl for the suite around the call; it works in the namespace that `namespace` gives. */
export function useKubectl(server: ApiServerInUse, namespace: () => string) {
  const cache = mkdtempSync(path.join(tmpdir(), 'longshore-kubectl-'));
  after(() => rmSync(cache, { recursive: true }));
  return (args: string[], options: KubectlOptions = {}): Promise<Outcome> =>
    runKubectl([`--namespace=${namespace()}`, ...args], {
      ...options,
      kubeconfig: server.kubeconfig,
      cache,
    });
}

/** @param options.kubeconfig path of the file; @param options.cache folder for what kubectl remembers */
export function runKubectl(
  args: string[],
  options: KubectlOptions & { kubeconfig: string; cache: string },
): Promise<Outcome> {
  const env = {
    PATH: process.env.PATH,
    HOME: options.cache,
    KUBECACHEDIR: options.cache,
    KUBECONFIG: options.kubeconfig,
    ...(options.editor && { KUBE_EDITOR: options.editor }),
  };
  return new Promise((resolve) => {
    const child = execFile(
      part('kubectl')!,
      args,
      { env, timeout: 30_000, cwd: options.cache },
      (error, stdout, stderr) => {
        const code = typeof error?.code === 'number' ? error.code : error ? 1 : 0;
        resolve({ code, output: `${stdout}${stderr}`.trim() });
      },
    );
    child.stdin?.end(options.input ?? '');
  });
}

/** The columns of what `kubectl get` printed: names that are set apart by at least two blanks. */
export function columnsOf(table: string): string[] {
  return table.split('\n')[0]!.trim().split(/ {2,}/);
}
