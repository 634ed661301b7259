/** The story of `longshore doctor`: reach the cluster, find the relay, look at one thing after the other, tell. */
import { loadKubeconfig } from '../../../shared/kube/kubeconfig.ts';
import { createKubeClient } from '../../../shared/kube/rest-client.ts';
import { type ClusterEndpoint, createTransport } from '../../../shared/kube/transport.ts';
import { type Clock, systemClock } from '../../../shared/runtime/clock.ts';
import { messageOf } from '../../../shared/runtime/errors.ts';
import { redact } from '../../../shared/runtime/redact.ts';
import { CommandError, type Terminal } from '../command.ts';
import { checkApiServer } from './api-server.ts';
import { checkArtifactAddress } from './artifact-address.ts';
import { checkBucket } from './bucket.ts';
import { checkControllers } from './controllers.ts';
import { checkCrds } from './crds.ts';
import { type Finding, failed, type StepName, skipped } from './finding.ts';
import type { DoctorFlags } from './flags.ts';
import { checkFunctions } from './functions.ts';
import { findInstallation } from './installation.ts';
import { checkRelay } from './relay.ts';
import { findingLines, isWell, reportJson, summaryLine } from './report.ts';
import { checkRights } from './rights.ts';
import type { Step, Visit } from './visit.ts';

/** After the API server has answered. */
const LATER_STEPS: readonly (readonly [StepName, Step])[] = [
  ['crds', checkCrds],
  ['rights', checkRights],
  ['relay', checkRelay],
  ['functions', checkFunctions],
  ['bucket', checkBucket],
  ['artifacts', checkArtifactAddress],
  ['controllers', checkControllers],
];

/**
 * @returns the exit code: 0 when nothing failed
 * @throws CommandError when it was interrupted
 */
export async function runDoctor(
  flags: DoctorFlags,
  terminal: Terminal,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<number> {
  const findings: Finding[] = [];
  const tell = (found: Finding[]) => {
    findings.push(...found);
    if (flags.output === 'table') for (const each of found) terminal.stdout.write(findingLines(each));
  };
  await examine(flags, terminal, tell, signal, clock);
  terminal.stdout.write(flags.output === 'json' ? reportJson(findings) : summaryLine(findings));
  return isWell(findings) ? 0 : 1;
}

async function examine(
  flags: DoctorFlags,
  { environment }: Terminal,
  tell: (found: Finding[]) => void,
  signal: AbortSignal,
  clock: Clock,
): Promise<void> {
  let endpoint: ClusterEndpoint;
  try {
    endpoint = await loadKubeconfig({ file: flags.kubeconfig, context: flags.context, environment });
  } catch (error) {
    tell([
      failed(
        'api-server',
        redact(messageOf(error)),
        'name the file and the context with --kubeconfig and --context',
      ),
    ]);
    return tell(LATER_STEPS.map(([step]) => skipped(step, 'no cluster to look at')));
  }
  const transport = createTransport(endpoint);
  try {
    const kube = createKubeClient(transport);
    const visit: Visit = {
      flags,
      clock,
      endpoint,
      transport,
      kube,
      serverAheadMs: 0,
      installation: undefined,
    };
    const reached = await attempt('api-server', checkApiServer, visit, signal);
    tell(reached);
    if (!isWell(reached))
      return tell(LATER_STEPS.map(([step]) => skipped(step, 'the API server does not answer')));
    try {
      visit.installation = await findInstallation(kube, flags, signal);
    } catch (error) {
      const advice =
        'take longshore of the release that is installed, and an identity that may read Deployments';
      tell([failed('relay', `the installed relay cannot be read: ${redact(messageOf(error))}`, advice)]);
    }
    // They look at different things: all at the same time, told in their order.
    const running = LATER_STEPS.map(([step, check]) => attempt(step, check, visit, signal));
    await Promise.allSettled(running);
    for (const found of running) tell(await found);
  } finally {
    transport.close();
  }
}

/** A step that breaks is a failure of that step alone. */
async function attempt(step: StepName, check: Step, visit: Visit, signal: AbortSignal): Promise<Finding[]> {
  try {
    return await check(visit, signal);
  } catch (error) {
    if (signal.aborted) throw new CommandError('interrupted');
    return [failed(step, redact(messageOf(error)), 'the message above says what was refused, and by whom')];
  }
}
