/**
 * Do the URLs of artifacts answer? An address inside of the cluster is asked through the API server where this machine
 * cannot reach it.
 */
import { OCI_REPOSITORY, type OciRepository } from '../../../shared/api/oci-repository.ts';
import { resolveResource } from '../../../shared/kube/discovery.ts';
import { messageOf } from '../../../shared/runtime/errors.ts';
import { type Finding, failed, ok, skipped, warning } from './finding.ts';
import type { Installation } from './installation.ts';
import type { Visit } from './visit.ts';

const ANSWER_MS = 10_000;
const LOOKED_AT = 100;

/** A path like those of artifacts, of which there is none: a server of artifacts says 404. */
const NOTHING = 'ocirepository/longshore-doctor/check/latest.tar.gz';

/** Name and namespace of a Service in an address of the cluster. */
const SERVICE = /^([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\.|$)/;

const ADVICE = {
  service:
    'are pods ready, and does a NetworkPolicy keep the API server from them? kubectl get endpointslices tells',
  base: 'artifacts.baseUrl of the chart and artifact-base-url of the deployment must be the address that consumers reach',
};

interface Sample {
  path: string;
  /** In bytes; undefined: there is no such artifact. */
  size: number | undefined;
  /** `namespace/name` of the object. */
  of: string;
}

interface Reply {
  status: number;
  size: number;
  /** Where it was asked. */
  by: string;
}

export async function checkArtifactAddress(visit: Visit, signal: AbortSignal): Promise<Finding[]> {
  const { installation } = visit;
  if (!installation) return [skipped('artifacts', 'the flags of an installed relay tell their address')];
  if (!installation.settings['api-groups'].includes(OCI_REPOSITORY.group)) {
    return [skipped('artifacts', 'OCIRepositories are not served')];
  }
  const base = baseOf(installation);
  if (!base) return [failed('artifacts', 'the relay has no --artifact-base-url', ADVICE.base)];
  const sample = await findSample(visit, installation, base, signal);
  const late = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  try {
    return [judge(base, sample, await askFor(visit, base, sample.path, late))];
  } catch (error) {
    signal.throwIfAborted();
    const advice = SERVICE.test(new URL(base).hostname) ? ADVICE.service : ADVICE.base;
    return [failed('artifacts', `${base} does not answer: ${messageOf(error)}`, advice)];
  }
}

/** A host alone means http, as for the setting. */
function baseOf({ settings }: Installation): string {
  const text = settings['artifact-base-url'].replace(/\/+$/, '');
  return text === '' || text.includes('://') ? text : `http://${text}`;
}

/** An artifact that somebody could want now. */
async function findSample(
  { kube }: Visit,
  { settings }: Installation,
  base: string,
  signal: AbortSignal,
): Promise<Sample> {
  const nothing = { path: NOTHING, size: undefined, of: '' };
  const labelSelector = settings['watch-label-selector'];
  const namespace = settings.namespace[0];
  try {
    const resource = await resolveResource(kube, settings['cluster-id'], OCI_REPOSITORY, signal);
    const options = {
      limit: LOOKED_AT,
      ...(namespace && { namespace }),
      ...(labelSelector && { labelSelector }),
    };
    const { items } = await kube.list<OciRepository>(resource, options, signal);
    for (const { metadata, status } of items) {
      const { url, path, size } = status?.artifact ?? {};
      if (!url?.startsWith(`${base}/`) || !path || size === undefined) continue;
      return { path, size, of: `${metadata.namespace}/${metadata.name}` };
    }
  } catch {
    signal.throwIfAborted();
  }
  return nothing;
}

function judge(base: string, { size, of }: Sample, reply: Reply): Finding {
  const answers = `${base} answers ${reply.by}`;
  if (size === undefined) {
    // A bucket that may not be listed says 403 for what is not there.
    if (reply.status === 404 || reply.status === 403)
      return ok('artifacts', `${answers}; there is no artifact yet`);
    return failed(
      'artifacts',
      `${answers} with status ${reply.status} for a file that does not exist`,
      ADVICE.base,
    );
  }
  if (reply.status !== 200) {
    return failed(
      'artifacts',
      `${answers} with status ${reply.status} for the artifact of ${of}`,
      ADVICE.base,
    );
  }
  if (reply.size !== size) {
    return warning(
      'artifacts',
      `${answers}: the artifact of ${of} has ${reply.size} bytes, its status says ${size}`,
      'it may just have changed: ask again',
    );
  }
  return ok('artifacts', `${answers}: the artifact of ${of}, ${size} bytes`);
}

async function askFor(visit: Visit, base: string, path: string, signal: AbortSignal): Promise<Reply> {
  const service = SERVICE.exec(new URL(base).hostname);
  try {
    const response = await fetch(`${base}/${path}`, { method: 'HEAD', signal });
    return { status: response.status, size: Number(response.headers.get('content-length')), by: 'from here' };
  } catch (error) {
    if (!service || signal.aborted) throw (error as Error).cause ?? error;
  }
  const [, name, namespace] = service;
  const proxied = `/api/v1/namespaces/${namespace}/services/http:${name}:80/proxy/${path}`;
  const { status, headers, body } = await visit.transport.open({ path: proxied }, signal);
  body.destroy();
  // What the API server itself refuses is a Status object; the relay answers plain text.
  if (status !== 200 && String(headers['content-type']).includes('json')) {
    throw new Error(`the API server answers ${status} for Service ${namespace}/${name}`);
  }
  return { status, size: Number(headers['content-length']), by: 'through the API server' };
}
