/** Does the API server answer, and whom does it take us for? Everything else depends on it. */
import { messageOf } from '../../../shared/runtime/errors.ts';
import { redact } from '../../../shared/runtime/redact.ts';
import { type Finding, failed, ok, warning } from './finding.ts';
import type { Visit } from './visit.ts';

/** AWS refuses signatures that are five minutes off, EKS tokens after one. `Date` itself is a second coarse. */
const TOLERATED_MS = 60_000;

export async function checkApiServer(visit: Visit, signal: AbortSignal): Promise<Finding[]> {
  const { transport, endpoint, clock } = visit;
  const step = 'api-server';
  const asked = clock.now();
  const answer = await transport.request({ method: 'GET', path: '/version' }, signal).catch((error) => error);
  if (answer instanceof Error) {
    signal.throwIfAborted();
    return [
      failed(
        step,
        redact(messageOf(answer)),
        'is the address right, and may this machine reach it (VPN, private endpoint)?',
      ),
    ];
  }
  if (answer.status === 401) {
    return [
      failed(
        step,
        `${endpoint.server} does not know you`,
        'log in again: the credentials of the kubeconfig are refused',
      ),
    ];
  }
  const findings = [ok(step, `${endpoint.server}, Kubernetes ${versionOf(answer.body)}`)];
  const date = Date.parse(String(answer.headers.date));
  if (!Number.isNaN(date)) {
    visit.serverAheadMs = date - (asked + clock.now()) / 2;
    if (Math.abs(visit.serverAheadMs) > TOLERATED_MS) findings.push(skewed(visit.serverAheadMs));
  }
  return findings;
}

function skewed(aheadMs: number): Finding {
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  return warning(
    'api-server',
    `the clock of this machine is ${seconds} s ${aheadMs > 0 ? 'behind' : 'ahead of'} the API server's`,
    'set it: AWS refuses what is signed with a wrong clock, and tokens look expired',
  );
}

function versionOf(body: Buffer): string {
  try {
    return String(
      (JSON.parse(body.toString()) as { gitVersion?: string }).gitVersion ?? 'of an unknown version',
    );
  } catch {
    return 'of an unknown version';
  }
}
