/**
 * Removes what objects left behind that went while nobody watched (IR-STORE-5): once a day, and only after a whole list
 * of the cluster. A relay that sees only a part of the objects must never start it.
 */
import { IMAGE_REPOSITORY } from '../../shared/api/image-repository.ts';
import { OCI_REPOSITORY } from '../../shared/api/oci-repository.ts';
import { artifactsOf } from '../../shared/artifact/artifact-path.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { type DiscoveredKind, resolveResource } from '../../shared/kube/discovery.ts';
import { isNotFound } from '../../shared/kube/errors.ts';
import type { KubeObject } from '../../shared/kube/resource.ts';
import { type Clock, sleep } from '../../shared/runtime/clock.ts';
import { messageOf } from '../../shared/runtime/errors.ts';
import type { Logger } from '../../shared/runtime/logger.ts';
import type { ObjectStore } from '../../shared/storage/object-store.ts';
import { removeOrphans } from '../../shared/storage/orphans.ts';
import { tagRecordsOf } from '../../shared/storage/tag-record.ts';
import { recordKey } from './slim-record.ts';

const PAGE_SIZE = 500;

/** The first sweep comes within this time, so that a relay that restarts every night sweeps as well. */
const FIRST_WITHIN_MS = 60 * 60_000;

/** What is kept for the objects of a kind. A further kind that keeps something is a further entry. */
interface Kept {
  kind: DiscoveredKind;
  /** What a log line calls it. */
  what: string;
  /** What the keys begin with, before `namespace/name`. */
  prefix(cluster: string): string;
}

const KEPT: readonly Kept[] = [
  { kind: IMAGE_REPOSITORY, what: 'tag records', prefix: tagRecordsOf },
  { kind: OCI_REPOSITORY, what: 'artifacts', prefix: artifactsOf },
];

export interface SweepOptions {
  kube: KubeClient;
  store: ObjectStore;
  cluster: string;
  /** Time between two sweeps in milliseconds; 0: none. */
  everyMs: number;
  /** Only a relay that leads sweeps: two at a time would do everything twice. */
  leads(): boolean;
  clock: Clock;
  /** From 0 to 1. */
  random: () => number;
  log: Logger;
}

/** Sweeps until `signal` aborts. Never throws: a sweep that fails removes nothing more and is repeated next time. */
export async function startSweep(options: SweepOptions, signal: AbortSignal): Promise<void> {
  const { everyMs, clock, random, log } = options;
  if (everyMs === 0) return;
  let wait = Math.min(everyMs, FIRST_WITHIN_MS) * random();
  for (;;) {
    await sleep(clock, wait, signal).catch(() => {});
    if (signal.aborted) return;
    wait = everyMs;
    if (!options.leads()) continue;
    for (const kept of KEPT) {
      try {
        const removed = await sweepOnce(options, kept, signal);
        if (removed.length > 0) log.info(`removed ${kept.what} of deleted objects`, { objects: removed });
      } catch (error) {
        // Of a kind that the cluster does not have, nothing is known: what is stored stays.
        if (signal.aborted || isNotFound(error)) continue;
        log.error(`the sweep of ${kept.what} failed: ${messageOf(error)}`);
      }
    }
  }
}

/**
 * One sweep for one kind. Answers with the `namespace/name` of the objects whose things were removed.
 * @throws KubeError when not every object could be listed: then nothing is removed; StorageError
 */
async function sweepOnce(
  { kube, store, cluster, clock }: Omit<SweepOptions, 'everyMs' | 'leads' | 'random' | 'log'>,
  { kind, prefix }: Kept,
  signal: AbortSignal,
): Promise<string[]> {
  const resource = await resolveResource(kube, cluster, kind, signal);
  const listedAt = clock.now();
  const existing = new Set<string>();
  let next: string | undefined;
  do {
    const page = await kube.list<KubeObject>(resource, { limit: PAGE_SIZE, continue: next }, signal);
    for (const { metadata } of page.items) existing.add(recordKey(metadata.namespace, metadata.name));
    next = page.continue;
  } while (next);
  return await removeOrphans(store, { prefix: prefix(cluster), existing, listedAt }, signal);
}
