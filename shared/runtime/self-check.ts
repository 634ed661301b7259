/** How a function answers a check (`check-contract.ts`): each part in its own error boundary, none longer than 10 s. */
import * as z from 'zod/mini';
import type { Resource } from '../kube/resource.ts';
import { Check, type CheckResult, type Found } from './check-contract.ts';
import { CONTRACT_VERSION } from './contract.ts';
import type { FunctionEnvironment } from './environment.ts';
import { messageOf } from './errors.ts';
import { redact } from './redact.ts';
import { RELEASE } from './release.ts';

/** The part of the store that a function uses. */
export interface StoreUse {
  /** Below the cluster id. */
  folder: string;
  writes: boolean;
}

const PART_MS = 10_000;

/**
 * What is written and deleted again. It stands where the records of an object would: what a lost connection leaves
 * behind is an orphan, and the sweep takes it.
 */
const PROBE = 'longshore-doctor/check';

/** The API server answers it to whoever it knows, and tells whom it takes them for. */
const SELF_SUBJECT_REVIEWS: Resource = {
  group: 'authentication.k8s.io',
  version: 'v1',
  plural: 'selfsubjectreviews',
  kind: 'SelfSubjectReview',
  namespaced: false,
};

/** @throws Error when the event is no check of a contract that we know */
export async function answerCheck(
  event: unknown,
  kinds: Iterable<string>,
  environment: FunctionEnvironment,
  use: StoreUse | undefined,
): Promise<CheckResult> {
  const parsed = Check.safeParse(event);
  if (!parsed.success) {
    throw new Error(
      `the check does not follow contract ${CONTRACT_VERSION}: ${z.prettifyError(parsed.error)}`,
    );
  }
  const { access, cluster } = parsed.data;
  const parts: Promise<Found>[] = [];
  if (access) {
    parts.push(
      look('cluster', environment, async (signal) => {
        const kube = await environment.connect(access);
        const body = { apiVersion: 'authentication.k8s.io/v1', kind: SELF_SUBJECT_REVIEWS.kind };
        const review = await kube.create<Review>(SELF_SUBJECT_REVIEWS, {}, body, signal);
        return `known as ${review.status?.userInfo?.username ?? 'nobody'}`;
      }),
    );
  }
  if (use) parts.push(look('store', environment, (signal) => tryStore(environment, cluster, use, signal)));
  return { contract: CONTRACT_VERSION, release: RELEASE, kinds: [...kinds], found: await Promise.all(parts) };
}

interface Review {
  status?: { userInfo?: { username?: string } };
}

async function tryStore(
  { store }: FunctionEnvironment,
  cluster: string,
  { folder, writes }: StoreUse,
  signal: AbortSignal,
): Promise<string> {
  const key = `${cluster}/${folder}/${PROBE}`;
  await store.head(key, signal);
  if (!writes) return `reads ${cluster}/${folder}/`;
  await store.put(key, Buffer.from('longshore doctor'), {}, signal);
  await store.delete(key, signal);
  return `reads and writes ${cluster}/${folder}/`;
}

async function look(
  about: Found['about'],
  { clock }: FunctionEnvironment,
  work: (signal: AbortSignal) => Promise<string>,
): Promise<Found> {
  const late = new AbortController();
  const cancel = clock.after(PART_MS, () => late.abort(new Error(`no answer within ${PART_MS / 1000} s`)));
  try {
    return { about, ok: true, text: await work(late.signal) };
  } catch (error) {
    return { about, ok: false, text: redact(messageOf(error)) };
  } finally {
    cancel();
  }
}
