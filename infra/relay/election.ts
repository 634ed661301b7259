/**
 * Which relay acts: the holder of a Lease (design section 3). The others keep their watches warm and look at the Lease
 * twice a second, so that one takes over 16 s after a leader was killed and a second after one has left.
 */
import type { KubeClient } from '../../shared/kube/client.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../shared/kube/errors.ts';
import { type KubeObject, LEASES } from '../../shared/kube/resource.ts';
import { type Clock, sleep } from '../../shared/runtime/clock.ts';
import { messageOf } from '../../shared/runtime/errors.ts';
import type { Logger } from '../../shared/runtime/logger.ts';

/** Others leave a Lease alone for so long after they have seen it renewed. */
const LEASE_SECONDS = 15;
/** A leader that could not renew for so long acts no more: well before others begin. */
const RENEW_WITHIN_MS = 10_000;
const RENEW_EVERY_MS = 2000;
const LOOK_EVERY_MS = 500;
/**
 * A look that takes longer counts for nothing. What it saw may have been written as late as its answer came, yet counts
 * from its question on: that must be less than what lies between the end of a leader that cannot renew and of its Lease.
 */
const LOOK_WITHIN_MS = 3000;
/** What a stop waits for the Lease to be given back. */
const RELEASE_MS = 3000;

export interface LeaseRef {
  namespace: string;
  name: string;
}

export interface ElectionOptions {
  kube: KubeClient;
  lease: LeaseRef;
  /** Names this process: another one for every start, also of the same pod. */
  identity: string;
  /** For the times that a Lease shows, and to wait. */
  clock: Clock;
  /** Milliseconds from any moment on. All that is counted is counted by it: nobody sets it, unlike the machine's time. */
  uptime(): number;
  log: Logger;
  onLead(): void;
  onLost(): void;
}

export interface Election {
  /** Counts the leaders of the Lease: that of the last one seen. */
  readonly epoch: number;
  /** The Lease is ours and, by our own count, has not run out: false at once in a process that was suspended. */
  holds(): boolean;
  /** Stands for election until `signal` aborts. Never throws. The Lease is kept: `release` gives it back. */
  run(signal: AbortSignal): Promise<void>;
  /** Gives the Lease to whoever wants it, after `run` has ended. Never throws: what is not given back runs out. */
  release(): Promise<void>;
}

type Lease = KubeObject<{
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  leaseTransitions?: number;
  renewTime?: string;
} | null>;

export function createElection(options: ElectionOptions): Election {
  const { kube, lease: ref, identity, clock, uptime, log } = options;
  let leading = false;
  let renewedAt = Number.NEGATIVE_INFINITY;
  let epoch = 0;
  /** The Lease as it was last seen to change, and when: only our own count of time matters, never the times in it. */
  let seen: { version: string; holder: string; seconds: number; at: number } | undefined;
  let complaint = '';

  /** @param at when it was asked for */
  const observe = ({ metadata, spec }: Lease, at: number) => {
    const version = metadata.resourceVersion;
    if (seen?.version !== version) {
      const holder = spec?.holderIdentity ?? '';
      if (holder && holder !== identity && holder !== seen?.holder) log.info(`standing by: ${holder} leads`);
      seen = { version, holder, seconds: spec?.leaseDurationSeconds ?? LEASE_SECONDS, at };
    }
    epoch = Math.max(epoch, spec?.leaseTransitions ?? 0);
    complaint = '';
  };

  /** One request that must not outlive its time. It does not end with a stop: the server would have done it or not. */
  const within = async <T>(ms: number, request: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const late = new AbortController();
    const cancel = clock.after(ms, () => late.abort(new Error('no answer in time')));
    return await request(late.signal).finally(cancel);
  };

  const look = (ms: number) => within(ms, (signal) => kube.get<Lease>(LEASES, ref, signal));

  const write = (spec: Record<string, unknown>, ms: number) =>
    within(ms, (signal) => {
      const metadata = { resourceVersion: seen!.version };
      return kube.patch<Lease>(LEASES, ref, { metadata, spec }, signal);
    });

  const takenOver = () => ({
    holderIdentity: identity,
    leaseDurationSeconds: LEASE_SECONDS,
    leaseTransitions: epoch + 1,
    acquireTime: microTime(clock.now()),
    renewTime: microTime(clock.now()),
  });

  const begin = (lease: Lease, at: number) => {
    observe(lease, at);
    renewedAt = at;
    leading = true;
    log.info(`leading, epoch ${epoch}`);
    options.onLead();
  };

  const stepDown = (why: string) => {
    leading = false;
    log.error(`not leading any more: ${why}`);
    options.onLost();
  };

  /** How long the Lease is somebody else's, in milliseconds; 0: it is free. */
  const othersFor = () => {
    if (!seen?.holder || seen.holder === identity) return 0;
    return Math.max(0, seen.at + seen.seconds * 1000 - uptime());
  };

  const take = async (): Promise<number> => {
    const at = uptime();
    begin(await write(takenOver(), RENEW_WITHIN_MS), at);
    return RENEW_EVERY_MS;
  };

  const make = async (): Promise<number> => {
    const at = uptime();
    const { namespace, name } = ref;
    const body = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name },
      spec: takenOver(),
    };
    const made = await within(RENEW_WITHIN_MS, (signal) =>
      kube.create<Lease>(LEASES, { namespace }, body, signal),
    );
    begin(made, at);
    return RENEW_EVERY_MS;
  };

  /** A standby's turn. Answers how long to wait for the next one. */
  const stand = async (): Promise<number> => {
    // What has run out is taken at once: the guard of the write tells when it was renewed after all.
    if (seen && othersFor() === 0) return take();
    const at = uptime();
    const found = await look(LOOK_WITHIN_MS);
    if (!found) {
      seen = undefined;
      return make();
    }
    observe(found, at);
    const left = othersFor();
    return left > 0 ? Math.min(LOOK_EVERY_MS, left) : take();
  };

  /** A leader's turn. */
  const renew = async (): Promise<number> => {
    const at = uptime();
    const left = renewedAt + RENEW_WITHIN_MS - at;
    if (left <= 0) {
      stepDown(`the Lease could not be renewed for ${RENEW_WITHIN_MS / 1000} s`);
      return 0;
    }
    try {
      observe(await write({ renewTime: microTime(clock.now()) }, left), at);
    } catch (error) {
      if (!isConflict(error)) throw error;
      // It may have been we: a write of which the answer was lost.
      const found = await look(left);
      if (found?.spec?.holderIdentity !== identity) throw error;
      observe(found, at);
      return 0;
    }
    renewedAt = at;
    return RENEW_EVERY_MS;
  };

  const recover = (error: unknown): number => {
    const raced = isConflict(error) || isAlreadyExists(error);
    if (leading && (raced || isNotFound(error))) {
      stepDown('somebody else wrote or removed the Lease');
      return 0;
    }
    if (seen && (raced || isNotFound(error))) {
      // The Lease is not what it was when it was seen: look anew before the next write.
      seen = undefined;
      return 0;
    }
    if (raced) return LOOK_EVERY_MS;
    const message = messageOf(error);
    if (message !== complaint) log.error(`leader election: ${message}`);
    complaint = message;
    if (!leading) return LOOK_EVERY_MS;
    return Math.min(RENEW_EVERY_MS, Math.max(0, renewedAt + RENEW_WITHIN_MS - uptime()));
  };

  return {
    get epoch() {
      return epoch;
    },
    holds: () => leading && uptime() < renewedAt + RENEW_WITHIN_MS,
    async run(signal) {
      while (!signal.aborted) {
        const wait = await (leading ? renew() : stand()).catch(recover);
        await sleep(clock, wait, signal).catch(() => {});
      }
    },
    async release() {
      if (!leading) return;
      leading = false;
      const spec = { holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(clock.now()) };
      try {
        await write(spec, RELEASE_MS);
        log.info('the Lease is given back');
      } catch (error) {
        log.info(`the Lease was not given back, it will run out: ${messageOf(error)}`);
      }
    },
  };
}

/** `metav1.MicroTime` has six digits, no more and no less. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
