/** The demo: an embedded API server, a registry with sample images, a Quay, and the objects of `examples/`. */
import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { KINDS } from '../../../shared/api/kinds.ts';
import { RELEASE } from '../../../shared/runtime/release.ts';
import { CommandError } from '../../cli/command.ts';
import { startApiServer } from '../api-server/api-server.ts';
import { readForeignKinds } from '../api-server/foreign-kinds.ts';
import { startQuay } from '../quay/quay.ts';
import { startRegistry } from '../registry/registry.ts';
import { createMissing } from './apply.ts';
import { DEFAULT_PORTS, openDemoFolder, rememberPorts } from './data-folder.ts';
import { type Manifest, readManifests } from './manifests.ts';
import { EXPECT_ANNOTATION } from './object-row.ts';
import type { Place, PlaceOptions } from './place.ts';
import { pushSampleArtifacts } from './sample-artifacts.ts';
import { pushSamples, SAMPLE_AUTH } from './sample-images.ts';
import { connectCluster } from './serve.ts';

const EXAMPLES = join(import.meta.dirname, '../../../examples');

/**
 * Starts the demo on its fixed ports. What a start before has left in the data folder is there again; an example that
 * exists is not touched, one that is missing is created.
 * @throws CommandError that names the flag when a port is taken
 */
export async function startDemo(options: PlaceOptions, signal: AbortSignal): Promise<Place> {
  const { flags, settings, stops, tell } = options;
  const folder = await openDemoFolder(flags.data, {
    registry: flags.registryPort,
    quay: flags.quayPort,
  });
  // First of all: the registry's port belongs to the folder, so a second process on the folder ends here.
  const registry = await onPort(folder.ports.registry, 'the registry', '--registry-port', (port) =>
    startRegistry({ port, dataFolder: folder.registry, auth: SAMPLE_AUTH }),
  );
  stops.add(() => registry.close());
  const quay = await onPort(folder.ports.quay, 'the Quay', '--quay-port', (port) =>
    startQuay({ port, dataFile: folder.quay }),
  );
  stops.add(() => quay.close());
  await rememberPorts(folder);
  await pushSamples(registry);
  await pushSampleArtifacts(registry);
  const kinds = [...KINDS, ...(await readForeignKinds())];
  const api = await onPort(flags.apiPort, 'the API server', '--api-port', (port) =>
    startApiServer({ port, dataFolder: folder.api, kinds }),
  );
  stops.add(() => api.close());
  await writeFile(folder.kubeconfig, api.kubeconfig, { mode: 0o600 });
  const cluster = connectCluster(api.endpoint);
  stops.add(() => cluster.transport.close());

  const examples = await readManifests(EXAMPLES, (text) =>
    text
      .replaceAll(`127.0.0.1:${DEFAULT_PORTS.registry}`, registry.host)
      .replaceAll(`127.0.0.1:${DEFAULT_PORTS.quay}`, quay.host),
  );
  const created = await createMissing(cluster.kube, examples, signal);
  tell(`Longshore ${RELEASE}: API server ${api.url}, registry ${registry.url}, Quay ${quay.url}`);
  const objects =
    created > 0 ? `Created ${created} objects from examples/` : 'Every object of examples/ is there already';
  tell(`${objects}; everything is kept in ${flags.data}`);
  return {
    cluster,
    store: folder.store,
    log: folder.log,
    hints: hints(folder, registry.url, settings, examples),
  };
}

/** A port that is taken is named together with the flag that moves it. */
async function onPort<T>(
  port: number,
  who: string,
  flag: string,
  start: (port: number) => Promise<T>,
): Promise<T> {
  try {
    return await start(port);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new CommandError(
      `port ${port} of ${who} is taken: is longshore running already? If not, choose another with ${flag} PORT`,
      { cause: error },
    );
  }
}

function hints(
  folder: { kubeconfig: string; log: string },
  registry: string,
  settings: PlaceOptions['settings'],
  examples: readonly Manifest[],
): string {
  const failing = examples
    .filter(({ metadata }) => metadata.annotations?.[EXPECT_ANNOTATION]?.startsWith('Ready=False'))
    .map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`);
  const web = `${registry}/v2/samples/web/manifests`;
  const artifacts = settings['artifact-base-url'] || `http://${settings['storage-addr']}`;
  return `
Look around with kubectl:
  export KUBECONFIG=${folder.kubeconfig}
  kubectl get imgrepo,imgpol,ocirepo --all-namespaces
Push a tag, have it scanned at once, and see the policy follow:
  WEB=${web}
  curl -s $WEB/1.2.3 | curl -sT - $WEB/1.3.0
  kubectl annotate imgrepo web -n apps --overwrite reconcile.fluxcd.io/requestedAt="$(date +%s)"
  kubectl get imgpol web -n apps
Download the artifact of an OCIRepository, as the controllers of a cluster do:
  curl -s ${artifacts}/ocirepository/apps/web/latest.tar.gz | tar -tzv
See what was made in the demo's Quay, and for it:
  kubectl get imagerepositories.appstudio.redhat.com,secrets -n test-ns
Not Ready on purpose, to show how that looks:
  ${failing.join(', ')}
Metrics: http://${settings['metrics-addr']}/metrics   Log: ${shorter(folder.log)}   Ctrl-C stops; nothing is lost.

`;
}

/** A path as a person would type it here. */
function shorter(file: string): string {
  const near = relative(process.cwd(), file);
  return near.startsWith('..') ? file : near;
}
