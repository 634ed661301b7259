/** Does another controller manage the same objects? Two of them would write over each other for ever. */
import { COMPONENT } from '../../../shared/api/component.ts';
import { resolveResource } from '../../../shared/kube/discovery.ts';
import { isNotFound } from '../../../shared/kube/errors.ts';
import type { KubeObject } from '../../../shared/kube/resource.ts';
import { FIELD_MANAGER } from '../../../shared/kube/rest-client.ts';
import { RELAY_KINDS, type RelayKind } from '../../relay/kinds.ts';
import { type Finding, failed, ok, skipped, warning } from './finding.ts';
import { DEPLOYMENTS, type Deployment } from './installation.ts';
import { isForbidden, type Visit } from './visit.ts';

/** Metadata alone, field managers included. */
const METADATA = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
const LOOKED_AT = 500;
const TOLD_OBJECTS = 3;

const MIGRATION =
  'give the two different objects by --watch-label-selector, or scale it to 0 (docs/migration.md)';

/** The original controllers: the name of their Deployment, and the group that they serve. */
const ORIGINALS: readonly { name: string; group: string }[] = [
  { name: 'source-controller', group: 'source.toolkit.fluxcd.io' },
  { name: 'image-reflector-controller', group: 'image.toolkit.fluxcd.io' },
  { name: 'image-controller', group: 'appstudio.redhat.com' },
];

interface Managed {
  metadata: KubeObject['metadata'] & {
    managedFields?: { manager?: string; subresource?: string; time?: string }[];
  };
}

export async function checkControllers(visit: Visit, signal: AbortSignal): Promise<Finding[]> {
  const kinds = (visit.installation?.kinds ?? RELAY_KINDS).filter(
    ({ group, kind }) => kind !== COMPONENT.kind || group !== COMPONENT.group,
  );
  const findings = [
    ...(await findRunning(visit, kinds, signal)),
    ...(await findWriters(visit, kinds, signal)),
  ];
  return findings.length > 0 ? findings : [ok('controllers', 'nobody else manages these objects')];
}

/** Deployments of the originals that serve what we serve. */
async function findRunning(
  visit: Visit,
  kinds: readonly RelayKind[],
  signal: AbortSignal,
): Promise<Finding[]> {
  let deployments: Deployment[];
  try {
    deployments = (await visit.kube.list<Deployment>(DEPLOYMENTS, {}, signal)).items;
  } catch (error) {
    if (isNotFound(error)) return [];
    if (!isForbidden(error)) throw error;
    return [
      skipped(
        'controllers',
        'you may not list Deployments of all namespaces',
        'ask as an administrator of the cluster',
      ),
    ];
  }
  const findings: Finding[] = [];
  for (const deployment of deployments) {
    const original = ORIGINALS.find((each) => isOf(deployment, each.name));
    const theirs = kinds.filter(({ group }) => group === original?.group);
    if (original && theirs.length > 0 && (deployment.spec.replicas ?? 1) > 0) {
      findings.push(await judge(visit, deployment, theirs, signal));
    }
  }
  return findings;
}

function isOf({ metadata }: Deployment, name: string): boolean {
  const { labels = {} } = metadata;
  // Our own Service has that name, our Deployment has not: a release may be called anything.
  if (labels['app.kubernetes.io/name'] === 'longshore') return false;
  return (
    [metadata.name, labels.app, labels['app.kubernetes.io/component']].includes(name) ||
    metadata.name === `${name}-controller-manager`
  );
}

/** Whether it serves objects that we serve: both selectors together choose them. */
async function judge(
  visit: Visit,
  deployment: Deployment,
  kinds: readonly RelayKind[],
  signal: AbortSignal,
): Promise<Finding> {
  const { metadata, spec } = deployment;
  const args = spec.template.spec.containers.flatMap((container) => container.args ?? []);
  const flag = (name: string) => args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
  const theirs = flag('watch-label-selector') ?? '';
  const namespace = flag('watch-all-namespaces') === 'false' ? metadata.namespace! : undefined;
  const who = `${metadata.namespace}/${metadata.name}`;
  const shared: string[] = [];
  for (const kind of kinds) {
    const objects = await listObjects(visit, kind, signal, theirs, namespace);
    shared.push(
      ...objects.map((object) => `${kind.kind} ${object.metadata.namespace}/${object.metadata.name}`),
    );
  }
  if (shared.length > 0) {
    return failed(
      'controllers',
      `${who} manages ${shared.length} objects of ours as well: ${told(shared)}`,
      MIGRATION,
    );
  }
  const ours = visit.installation?.settings['watch-label-selector'] ?? '';
  if (theirs === '' || ours === '' || theirs === ours) {
    return warning(
      'controllers',
      `${who} would manage new objects of ours as well: ${theirs ? 'its selector leaves room' : 'it has no --watch-label-selector'}`,
      MIGRATION,
    );
  }
  return ok('controllers', `${who} manages others: ${theirs}`);
}

/** Objects whose status somebody else has written after us. */
async function findWriters(
  visit: Visit,
  kinds: readonly RelayKind[],
  signal: AbortSignal,
): Promise<Finding[]> {
  const byWriter = new Map<string, string[]>();
  for (const kind of kinds) {
    for (const { metadata } of await listObjects(visit, kind, signal)) {
      const writer = laterWriter(metadata);
      if (!writer) continue;
      const names = byWriter.get(writer) ?? [];
      byWriter.set(writer, [...names, `${kind.kind} ${metadata.namespace}/${metadata.name}`]);
    }
  }
  return [...byWriter].map(([writer, names]) =>
    warning(
      'controllers',
      `${writer} writes the status of ${names.length} objects after us: ${told(names)}`,
      MIGRATION,
    ),
  );
}

/** Fields of ours that stand there prove that we serve the object; times are whole seconds. */
function laterWriter({ managedFields = [] }: Managed['metadata']): string | undefined {
  const writes = managedFields.filter(({ subresource, time }) => subresource === 'status' && time);
  const own = writes.find(({ manager }) => manager === FIELD_MANAGER);
  if (!own) return undefined;
  return writes.find(({ manager, time }) => manager !== FIELD_MANAGER && time! > own.time!)?.manager;
}

async function listObjects(
  { kube, installation }: Visit,
  kind: RelayKind,
  signal: AbortSignal,
  theirSelector = '',
  theirNamespace?: string,
): Promise<Managed[]> {
  const settings = installation?.settings;
  const selectors = [settings?.['watch-label-selector'] ?? '', theirSelector].filter((text) => text !== '');
  const scope = settings?.namespace.length ? settings.namespace : [undefined];
  const namespaces = scope.filter((each) => !each || !theirNamespace || each === theirNamespace);
  try {
    const resource = await resolveResource(kube, settings?.['cluster-id'] ?? '', kind, signal);
    const pages = namespaces.map((namespace) =>
      kube.list<Managed>(
        resource,
        {
          ...((namespace ?? theirNamespace) && { namespace: namespace ?? theirNamespace }),
          ...(selectors.length > 0 && { labelSelector: selectors.join(',') }),
          limit: LOOKED_AT,
          accept: METADATA,
        },
        signal,
      ),
    );
    return (await Promise.all(pages)).flatMap(({ items }) => items);
  } catch (error) {
    if (isNotFound(error) || isForbidden(error)) return [];
    throw error;
  }
}

function told(names: string[]): string {
  const rest = names.length - TOLD_OBJECTS;
  return names.slice(0, TOLD_OBJECTS).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
