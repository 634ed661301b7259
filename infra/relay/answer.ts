/** Reads what a function answered: nothing of it is trusted before it was checked (design section 2). */
import * as z from 'zod/mini';
import {
  BatchResult,
  CONTRACT_VERSION,
  keyText,
  Outcome,
  type ReconcileRequest,
} from '../../shared/runtime/contract.ts';
import { releaseProblem } from '../../shared/runtime/release-skew.ts';

const Envelope = z.extend(BatchResult, { outcomes: z.array(z.unknown()) });

const Peer = z.object({ contract: z.number(), release: z.string() });

/**
 * The outcomes of a batch, one for each request, in the order of the requests. An outcome that is missing or malformed
 * becomes a `retry` of its own key; one that nobody asked for is ignored.
 * @param answer the parsed answer; @param functionName named in every message
 * @throws Error with a message for operators when the whole answer is of no use
 */
export function readAnswer(answer: unknown, requests: ReconcileRequest[], functionName: string): Outcome[] {
  const who = `function ${functionName}`;
  const peer = Peer.safeParse(answer);
  if (!peer.success) throw new Error(`${who} did not answer with the result of a batch`);
  if (peer.data.contract !== CONTRACT_VERSION) {
    throw new Error(
      `${who} answers in contract ${peer.data.contract}, this relay speaks ${CONTRACT_VERSION}`,
    );
  }
  const problem = releaseProblem(peer.data.release, who);
  if (problem) throw new Error(problem);
  const envelope = Envelope.safeParse(answer);
  if (!envelope.success)
    throw new Error(`${who} did not answer with outcomes: ${firstIssue(envelope.error)}`);

  const outcomes = new Map<string, Outcome>();
  let complaint = '';
  for (const part of envelope.data.outcomes) {
    const outcome = Outcome.safeParse(part);
    if (outcome.success) outcomes.set(keyText(outcome.data), outcome.data);
    else complaint = `: ${firstIssue(outcome.error)}`;
  }
  return requests.map(
    (request) =>
      outcomes.get(keyText(request)) ??
      failed(request, 'MissingOutcome', `${who} gave no valid outcome for this object${complaint}`),
  );
}

/** The outcome of a request that the relay itself has to report. */
export function failed(request: ReconcileRequest, reason: string, message: string): Outcome {
  const { group, kind, namespace, name } = request;
  return { group, kind, namespace, name, result: 'retry', reason, message, durationMs: 0, events: 0 };
}

function firstIssue(error: z.core.$ZodError): string {
  const issue = error.issues[0];
  return issue ? `${issue.path.join('.') || 'answer'}: ${issue.message}` : 'malformed';
}
