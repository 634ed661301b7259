/** Does the relay live: pods that are ready, and one of them that leads now? */
import { type KubeObject, LEASES, type Resource } from '../../../shared/kube/resource.ts';
import { sleep } from '../../../shared/runtime/clock.ts';
import { RELEASE } from '../../../shared/runtime/release.ts';
import { releaseProblem } from '../../../shared/runtime/release-skew.ts';
import { type Finding, failed, ok, warning } from './finding.ts';
import { type Installation, selectorOf } from './installation.ts';
import type { Visit } from './visit.ts';

/** A leader renews its Lease every 2 s: whoever does not for so long is dead or cut off. */
const WATCHED_MS = 6000;
const LOOK_EVERY_MS = 500;
const RENEWED_LATELY_MS = 4000;
/** Functions sign with clocks of their own; a relay whose clock is wrong signs what nobody takes. */
const TOLERATED_SKEW_MS = 60_000;

const PODS: Resource = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };

type Pod = KubeObject<
  unknown,
  {
    phase?: string;
    conditions?: { type: string; status: string; message?: string }[];
    containerStatuses?: {
      state?: { waiting?: { reason?: string; message?: string } };
      lastState?: { terminated?: { reason?: string; exitCode?: number } };
    }[];
  }
>;

type Lease = KubeObject<{ holderIdentity?: string; renewTime?: string } | null>;

export async function checkRelay(visit: Visit, signal: AbortSignal): Promise<Finding[]> {
  const { installation, flags } = visit;
  if (!installation) {
    const where = `release '${flags.release}' in namespace '${flags.namespace}'`;
    return [
      failed(
        'relay',
        `no relay is installed: there is no Deployment of ${where}`,
        'helm install it (docs/install.md), or name it with --namespace and --release',
      ),
    ];
  }
  const findings = [await judgePods(installation, visit, signal)];
  const problem = releaseProblem(installation.release, 'the installed relay');
  if (problem)
    findings.push(
      warning('relay', problem, `this is longshore ${RELEASE}: use the one of the installed release`),
    );
  findings.push(await judgeLease(installation, visit, signal));
  return findings;
}

async function judgePods(
  { name, namespace, replicas, ready }: Installation,
  { kube, flags }: Visit,
  signal: AbortSignal,
): Promise<Finding> {
  const logs = `kubectl -n ${namespace} logs deployment/${name}`;
  if (ready >= replicas && ready > 0) return ok('relay', `${ready} of ${replicas} pods are ready`);
  const { items } = await kube.list<Pod>(PODS, { namespace, labelSelector: selectorOf(flags) }, signal);
  const why = items.map(troubleOf).find((text) => text !== '') ?? '';
  const text = `${ready} of ${replicas} pods are ready${why && `: ${why}`}`;
  const advice = `${logs}, and kubectl -n ${namespace} describe pods -l ${selectorOf(flags)}`;
  return ready > 0 ? warning('relay', text, advice) : failed('relay', text, advice);
}

/** Why a pod is not ready, as far as it tells. */
function troubleOf({ status }: Pod): string {
  for (const { state, lastState } of status?.containerStatuses ?? []) {
    const { waiting } = state ?? {};
    const { terminated } = lastState ?? {};
    if (terminated)
      return `a container ended with ${terminated.reason ?? 'an error'}, exit code ${terminated.exitCode ?? '?'}`;
    if (waiting?.reason) return `${waiting.reason}${waiting.message ? `, ${waiting.message}` : ''}`;
  }
  return (
    status?.conditions?.find((each) => each.type === 'PodScheduled' && each.status !== 'True')?.message ?? ''
  );
}

/**
 * A leader renews its Lease: lately, or while we look. Times that are far from ours prove nothing, a clock may be wrong:
 * then only a change that we see counts.
 */
async function judgeLease(
  { namespace, settings }: Installation,
  { kube, clock, serverAheadMs }: Visit,
  signal: AbortSignal,
): Promise<Finding> {
  const ref = { namespace, name: settings['leader-election-id'] };
  const where = `Lease ${namespace}/${ref.name}`;
  const first = await kube.get<Lease>(LEASES, ref, signal);
  if (!first) {
    return failed(
      'relay',
      `nobody has ever led: there is no ${where}`,
      'the log of the relay says why it cannot write it',
    );
  }
  const aheadOf = (lease: Lease) => Date.parse(lease.spec?.renewTime ?? '') - (clock.now() + serverAheadMs);
  if (first.spec?.holderIdentity && Math.abs(aheadOf(first)) <= RENEWED_LATELY_MS) {
    return ok('relay', `${first.spec.holderIdentity} leads`);
  }
  const end = clock.now() + WATCHED_MS;
  while (clock.now() < end) {
    await sleep(clock, LOOK_EVERY_MS, signal);
    const lease = await kube.get<Lease>(LEASES, ref, signal);
    const holder = lease?.spec?.holderIdentity;
    if (!holder || lease.metadata.resourceVersion === first.metadata.resourceVersion) continue;
    const aheadMs = aheadOf(lease);
    if (Math.abs(aheadMs) <= TOLERATED_SKEW_MS) return ok('relay', `${holder} leads`);
    const seconds = Math.round(Math.abs(aheadMs) / 1000);
    const text = `the clock of ${holder}, which leads, is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} the API server's`;
    return warning('relay', text, 'set the clock of its node: AWS refuses what is signed with a wrong one');
  }
  const holder = first.spec?.holderIdentity;
  const text = holder
    ? `${holder} holds ${where} and has not renewed it for ${WATCHED_MS / 1000} s`
    : `nobody leads: ${where} has no holder`;
  return failed(
    'relay',
    text,
    'are pods running, and do they reach the API server? Their log says who leads, or why nobody does',
  );
}
