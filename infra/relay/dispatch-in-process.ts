/** Functions in this process: local use, tests, a cluster without a cloud account. The batch is handed over as it is. */
import { messageOf } from '../../shared/runtime/errors.ts';
import type { FunctionHandler } from '../../shared/runtime/stack.ts';
import { DispatchError, type DispatchTarget } from './dispatch-target.ts';

/**
 * One object a batch: nothing is saved by sharing a call, and no object waits for the answer of a slower one. So that
 * as much goes on at a time as a few small batches would, `--concurrent` stands for four objects each.
 * @param handlers by the name of their function, such as `image-repository`
 */
export function createInProcessTarget(handlers: ReadonlyMap<string, FunctionHandler>): DispatchTarget {
  return {
    batchSize: 1,
    batchesPerSlot: 4,
    /** Waits for the run itself, signal or not: only when it has ended may its object run again (IR-REC-2). */
    async send(functionName, batch) {
      const handler = handlers.get(functionName);
      if (!handler) throw new DispatchError('unreachable', `this process has no function '${functionName}'`);
      try {
        return await handler(batch, {});
      } catch (error) {
        throw new DispatchError('failed', messageOf(error), { cause: error });
      }
    },
  };
}
