/** A cluster that exists: nothing is started for it, and nothing is created in it but CRDs that were asked for. */
import { join } from 'node:path';
import { resolveResource } from '../../../shared/kube/discovery.ts';
import { isNotFound } from '../../../shared/kube/errors.ts';
import { loadKubeconfig } from '../../../shared/kube/kubeconfig.ts';
import { RELEASE } from '../../../shared/runtime/release.ts';
import { CommandError } from '../../cli/command.ts';
import { OWN_KINDS } from '../../relay/kinds.ts';
import { type CrdResult, installCrd } from './apply.ts';
import { openClusterFolder } from './data-folder.ts';
import { readManifests } from './manifests.ts';
import type { Place, PlaceOptions } from './place.ts';
import { type Cluster, connectCluster } from './serve.ts';

const CRDS = join(import.meta.dirname, '../../../crds');

const CRD_LINES: Record<CrdResult, string> = {
  installed: 'installed',
  updated: 'brought up to date',
  left: 'is there already and was not installed by longshore: left as it is',
};

/**
 * Connects to the cluster of `--kubeconfig`.
 * @throws KubeconfigError; KubeError; CommandError when the cluster serves none of our kinds
 */
export async function openExistingCluster(options: PlaceOptions, signal: AbortSignal): Promise<Place> {
  const { flags, settings, stops, tell, clock } = options;
  const endpoint = await loadKubeconfig({ file: flags.kubeconfig, context: flags.context });
  const cluster = connectCluster(endpoint);
  stops.add(() => cluster.transport.close());
  if (flags.installCrds) {
    for (const manifest of await readManifests(CRDS)) {
      const result = await installCrd(cluster.kube, manifest, clock, signal);
      tell(`CRD ${manifest.metadata.name} ${CRD_LINES[result]}`);
    }
  }
  await requireKinds(cluster, options, signal);
  const folder = await openClusterFolder(flags.data, endpoint.server);
  tell(`Longshore ${RELEASE} serves ${endpoint.server}, data in ${flags.data}`);
  if (!flags.once) {
    tell(`Metrics: http://${settings['metrics-addr']}/metrics   Log lines follow; Ctrl-C stops.`);
  }
  return { cluster, ...folder, hints: '' };
}

/** Kinds that the cluster lacks are told; the relay serves them as soon as they are there. */
async function requireKinds(
  cluster: Cluster,
  { settings, tell }: PlaceOptions,
  signal: AbortSignal,
): Promise<void> {
  const missing: string[] = [];
  for (const kind of OWN_KINDS) {
    try {
      await resolveResource(cluster.kube, settings['cluster-id'], kind, signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      missing.push(`${kind.plural}.${kind.group}`);
    }
  }
  if (missing.length === 0) return;
  const line = `the cluster does not know ${missing.join(', ')}: add --install-crds, or kubectl apply -f crds/`;
  if (missing.length === OWN_KINDS.length) throw new CommandError(line);
  tell(line);
}
