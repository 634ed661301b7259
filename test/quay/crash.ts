/**
 * A process that dies after its n-th remote call: what the call did stays done, its answer never comes, and nothing is
 * asked any more. For tests of write-ahead and repetition: run with `createCrash(1)`, `createCrash(2)`, … until a run
 * ends without a crash.
 */

export class CrashError extends Error {
  constructor(call: string) {
    super(`the process died after ${call}`);
    this.name = 'CrashError';
  }
}

export interface Crash {
  /** The same client, each of whose methods is a remote call. Wrap all clients of a run with one `Crash`. */
  wrap<T extends object>(client: T): T;
  /** Calls so far, e.g. `createRepository`, `patch imagerepositories/status`. */
  readonly calls: readonly string[];
  readonly crashed: boolean;
}

/** @param after calls that are made and answered before the fatal one is counted in; 0: the process is never hurt */
export function createCrash(after: number): Crash {
  const calls: string[] = [];
  let crashed = false;

  function wrapped(method: (...args: unknown[]) => unknown, target: object, name: string) {
    return async (...args: unknown[]): Promise<unknown> => {
      if (crashed) throw new CrashError('everything');
      calls.push(describeCall(name, args));
      const position = calls.length;
      const result = await method.apply(target, args);
      if (crashed) throw new CrashError('everything');
      if (position !== after) return result;
      crashed = true;
      throw new CrashError(calls[position - 1]!);
    };
  }

  return {
    wrap: (client) =>
      new Proxy(client, {
        get(target, name, receiver) {
          const value: unknown = Reflect.get(target, name, receiver);
          if (typeof value !== 'function' || typeof name === 'symbol') return value;
          return wrapped(value as (...args: unknown[]) => unknown, target, name);
        },
      }),
    calls,
    get crashed() {
      return crashed;
    },
  };
}

/** Resources of the Kubernetes client are named, so that a failure tells where the process died. */
function describeCall(name: string, [first, second]: unknown[]): string {
  const plural = (first as { plural?: string } | undefined)?.plural;
  if (plural === undefined) return name;
  const subresource = (second as { subresource?: string } | undefined)?.subresource;
  return `${name} ${plural}${subresource ? `/${subresource}` : ''}`;
}
