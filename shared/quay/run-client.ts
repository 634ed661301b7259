/** The Quay of one run: where it is, as whom we come, and what the run learns of it. */
import type { Run } from '../runtime/reconciler.ts';
import type { Settings } from '../runtime/settings.ts';
import { type QuayAccess, readQuayAccess } from './access.ts';
import type { Availability } from './availability.ts';
import type { OpenQuay, QuayClient } from './client.ts';

export interface RunClient {
  access: QuayAccess;
  quay: QuayClient;
}

/**
 * Reads the token and opens a client with it: one request to the API server, at every run, so that a new token counts at
 * once. Nothing is asked of Quay yet.
 * @param report gets whether Quay did what it was asked
 * @throws QuayError `configuration`; KubeError
 */
export async function openForRun(
  run: Run,
  { settings, openQuay }: { settings: Settings; openQuay: OpenQuay },
  report: { quay: Availability },
): Promise<RunClient> {
  const { kube, clock, log, secrets, deadline, signal } = run;
  const access = await readQuayAccess({ kube, settings, secrets }, signal);
  const scrub = (text: string) => secrets.scrub(text);
  const onUse = (worked: boolean) => {
    report.quay.worked = worked;
  };
  return { access, quay: openQuay(access, { clock, settings, deadline, scrub, log, onUse }) };
}
