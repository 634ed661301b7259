/** Helm on our chart, as tests call it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { part } from '../parts/parts.ts';

export const CHART = join(import.meta.dirname, '../../infra/chart');

/** Helm waits for nothing here: one that takes longer hangs. */
const LONGEST_MS = 60_000;

/** What has no default that could be right. */
export const REQUIRED = {
  cluster: { apiServer: 'https://api.example:6443' },
  functions: { prefix: 'longshore-dev-' },
  storage: { bucket: 'longshore-dev-store' },
};

/** A rendered object, as far as tests look into it. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  [member: string]: unknown;
}

/**
 * Runs helm with its values in a file.
 * @throws Error with what helm wrote, when it fails
 */
export async function helm(args: string[], values?: unknown): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'longshore-helm-'));
  try {
    const file = join(home, 'values.json');
    if (values !== undefined) await writeFile(file, JSON.stringify(values));
    const { stdout } = await promisify(execFile)(
      part('helm')!,
      [...args, ...(values === undefined ? [] : ['--values', file])],
      { env: { PATH: process.env.PATH, HOME: home }, maxBuffer: 64 * 2 ** 20, timeout: LONGEST_MS },
    );
    return stdout;
  } catch (error) {
    throw new Error((error as { stderr?: string }).stderr || String(error), { cause: error });
  } finally {
    await rm(home, { recursive: true });
  }
}

/** What the chart becomes, without a cluster. Release `longshore` in `longshore-system` unless told otherwise. */
export async function render(values: unknown, namespace = 'longshore-system'): Promise<Manifest[]> {
  const text = await helm(['template', 'longshore', CHART, '--namespace', namespace], values);
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

/** @param name any when left out; fails when there is none */
export function find(manifests: Manifest[], kind: string, name?: string): Manifest {
  const found = manifests.find((each) => each.kind === kind && (!name || each.metadata.name === name));
  assert.ok(found, `no ${kind} ${name ?? ''}`);
  return found;
}

/** The flags of the relay's container. */
export function argsOf(manifests: Manifest[]): string[] {
  const { spec } = find(manifests, 'Deployment') as unknown as {
    spec: { template: { spec: { containers: { args: string[] }[] } } };
  };
  return spec.template.spec.containers[0]!.args;
}

/** Values laid over values, member by member; lists are replaced. */
export function merge(base: unknown, over: unknown): unknown {
  if (!isObject(base) || !isObject(over)) return over === undefined ? base : over;
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(over)) merged[name] = merge(merged[name], value);
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
