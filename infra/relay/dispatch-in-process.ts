/** Functions in this process: local use, tests, a cluster without a cloud account. The batch is handed over as it is. */
import type { Clock } from '../../shared/runtime/clock.ts';
import { messageOf } from '../../shared/runtime/errors.ts';
import type { FunctionHandler } from '../../shared/runtime/stack.ts';
import { DispatchError, type DispatchTarget } from './dispatch-target.ts';

/** A run that takes longer waits for somebody else, and tells of it in the status (decisions 3). */
const QUICK_MS = 250;

export interface InProcessOptions {
  /** By the name of their function, such as `image-repository`. */
  handlers: ReadonlyMap<string, FunctionHandler>;
  /** `--concurrent`. */
  concurrent: number;
  clock: Clock;
}

/**
 * As many objects as one batch of Lambda carries: one that waits for its registry costs some kilobytes and no CPU, and
 * all of those that wait together must not keep the others from running.
 */
const OBJECTS_PER_SLOT = 25;

/**
 * One object a batch: nothing is saved by sharing a call, and no object waits for the answer of a slower one.
 * Twenty-five objects for each of `--concurrent`, of which one in fifty may be in the first 250 ms of its run: a burst on
 * a small machine would otherwise make all of its runs slow, and each would write its progress on top.
 */
export function createInProcessTarget({ handlers, concurrent, clock }: InProcessOptions): DispatchTarget {
  const starts = createStarts(Math.ceil(concurrent / 2), clock);
  return {
    batchSize: 1,
    batchesPerSlot: OBJECTS_PER_SLOT,
    /** Waits for the run itself, signal or not: only when it has ended may its object run again (IR-REC-2). */
    async send(functionName, batch) {
      const handler = handlers.get(functionName);
      if (!handler) throw new DispatchError('unreachable', `this process has no function '${functionName}'`);
      const leave = await starts.enter();
      try {
        return await handler(batch, {});
      } catch (error) {
        throw new DispatchError('failed', messageOf(error), { cause: error });
      } finally {
        leave();
      }
    },
  };
}

/** Lets `count` in at a time; who is in makes room by leaving, at the latest after `QUICK_MS`. */
function createStarts(count: number, clock: Clock): { enter(): Promise<() => void> } {
  let inside = 0;
  const waiting: (() => void)[] = [];

  const makeRoom = () => {
    const next = waiting.shift();
    if (next) next();
    else inside -= 1;
  };

  return {
    async enter() {
      if (inside < count) inside += 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      let counted = true;
      const leave = () => {
        if (!counted) return;
        counted = false;
        cancel();
        makeRoom();
      };
      const cancel = clock.after(QUICK_MS, leave);
      return leave;
    },
  };
}
