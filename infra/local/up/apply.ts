/** Brings manifests into a cluster: the demo's examples, and the CRDs of a cluster that somebody serves. */
import type { KubeClient } from '../../../shared/kube/client.ts';
import { isAlreadyExists } from '../../../shared/kube/errors.ts';
import { type KubeObject, NAMESPACES } from '../../../shared/kube/resource.ts';
import { FIELD_MANAGER } from '../../../shared/kube/rest-client.ts';
import { type Clock, sleep } from '../../../shared/runtime/clock.ts';
import { CommandError } from '../../cli/command.ts';
import { type Manifest, resourceOf } from './manifests.ts';

/** How long an API server may take to serve a kind that was just defined. */
const ESTABLISHED_MS = 30_000;
const ASK_EVERY_MS = 100;

/**
 * Creates the objects that do not exist. One that exists stays as it is: it may have been edited since.
 * @returns how many were created
 */
export async function createMissing(
  kube: KubeClient,
  manifests: Manifest[],
  signal: AbortSignal,
): Promise<number> {
  const namespacesFirst = manifests.toSorted((a, b) => order(a) - order(b));
  let created = 0;
  for (const manifest of namespacesFirst) {
    const resource = resourceOf(manifest);
    const { name, namespace } = manifest.metadata;
    if (await kube.get(resource, { name, namespace }, signal)) continue;
    try {
      await kube.create(resource, { namespace }, manifest, signal);
      created += 1;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }
  return created;
}

function order({ kind }: Manifest): number {
  return kind === NAMESPACES.kind ? 0 : 1;
}

interface Definition extends KubeObject {
  metadata: KubeObject['metadata'] & { managedFields?: { manager?: string }[] };
  status?: { conditions?: { type: string; status: string }[] };
}

export type CrdResult = 'installed' | 'updated' | 'left';

/**
 * Installs a CRD, or updates one that we have installed. One that somebody else has installed is theirs: its versions
 * and fields may be what their objects need.
 * @throws CommandError when the cluster does not serve the kind within 30 s
 */
export async function installCrd(
  kube: KubeClient,
  manifest: Manifest,
  clock: Clock,
  signal: AbortSignal,
): Promise<CrdResult> {
  const resource = resourceOf(manifest);
  const { name } = manifest.metadata;
  const present = await kube.get<Definition>(resource, { name }, signal);
  const foreign =
    present && !present.metadata.managedFields?.some(({ manager }) => manager === FIELD_MANAGER);
  if (foreign) return 'left';
  if (present) await kube.patch(resource, { name }, manifest, signal);
  else await kube.create(resource, {}, manifest, signal);
  const deadline = clock.now() + ESTABLISHED_MS;
  while (clock.now() < deadline) {
    const definition = await kube.get<Definition>(resource, { name }, signal);
    const conditions = definition?.status?.conditions ?? [];
    if (conditions.some(({ type, status }) => type === 'Established' && status === 'True')) {
      return present ? 'updated' : 'installed';
    }
    await sleep(clock, ASK_EVERY_MS, signal);
  }
  throw new CommandError(`the cluster does not serve ${name} after ${ESTABLISHED_MS / 1000} s`);
}
