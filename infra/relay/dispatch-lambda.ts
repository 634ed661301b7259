/** Functions in AWS Lambda, invoked synchronously: the answer carries the outcomes (design section 2). */
import type { LambdaClient } from '@aws-sdk/client-lambda';
import type { Check } from '../../shared/runtime/check-contract.ts';
import { type Batch, MAX_BATCH_SIZE } from '../../shared/runtime/contract.ts';
import { messageOf } from '../../shared/runtime/errors.ts';
import { redact } from '../../shared/runtime/redact.ts';
import { DispatchError, type DispatchTarget } from './dispatch-target.ts';

/** What Lambda takes and gives in one synchronous call. */
const LARGEST_PAYLOAD = 6 * 2 ** 20;

const CONNECT_MS = 5000;

export interface LambdaOptions {
  /** What stands before the function's name in the account. */
  prefix: string;
  /** Address of the Lambda API; empty: the region's own. */
  endpoint: string;
  /** As the SDK finds it when left out (`AWS_REGION`). */
  region?: string;
  /** Connections at the same time: as many as batches in flight. */
  maxSockets: number;
}

/** Takes checks as well (`shared/runtime/check-contract.ts`). */
export interface LambdaTarget extends DispatchTarget {
  send(functionName: string, event: Batch | Check, signal: AbortSignal): Promise<unknown>;
}

/** The target `lambda`. The SDK is loaded with the first batch; its own repeats are off, the relay has its own. */
export function createLambdaTarget(options: LambdaOptions): LambdaTarget {
  let loaded: Promise<{ client: LambdaClient; sdk: typeof import('@aws-sdk/client-lambda') }> | undefined;

  const load = async () => {
    const sdk = await import('@aws-sdk/client-lambda');
    const client = new sdk.LambdaClient({
      maxAttempts: 1,
      ...(options.endpoint && { endpoint: options.endpoint }),
      ...(options.region && { region: options.region }),
      requestHandler: {
        connectionTimeout: CONNECT_MS,
        // A quiet socket is a function at work: the batch's signal is the only time-out.
        requestTimeout: 0,
        httpsAgent: { maxSockets: options.maxSockets, keepAlive: true },
        httpAgent: { maxSockets: options.maxSockets, keepAlive: true },
      },
    });
    return { client, sdk };
  };

  return {
    batchSize: MAX_BATCH_SIZE,
    batchesPerSlot: 1,
    async send(functionName, event, signal) {
      const name = options.prefix + functionName;
      const payload = JSON.stringify(event);
      if (Buffer.byteLength(payload) > LARGEST_PAYLOAD) {
        throw new DispatchError('failed', `the batch for ${name} is larger than the 6 MB that Lambda takes`);
      }
      loaded ??= load();
      const { client, sdk } = await loaded;
      const command = new sdk.InvokeCommand({
        FunctionName: name,
        InvocationType: 'RequestResponse',
        Payload: Buffer.from(payload),
      });
      const answer = await client.send(command, { abortSignal: signal }).catch((error: unknown) => {
        throw dispatchError(error, name);
      });
      const text = Buffer.from(answer.Payload ?? []).toString('utf8');
      if (answer.FunctionError) throw new DispatchError('failed', functionFailure(name, text));
      return parse(text, name);
    },
  };
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new DispatchError('failed', `${name} answered something that is no JSON`);
  }
}

/** The function started and broke: it threw, ran out of time or memory, or answered too much. */
function functionFailure(name: string, payload: string): string {
  let what: { errorType?: string; errorMessage?: string } = {};
  try {
    what = JSON.parse(payload) ?? {};
  } catch {
    // The name alone then.
  }
  const message = what.errorMessage || what.errorType || 'without a message';
  return redact(messageOf(`${name} failed: ${message}`));
}

/** What the SDK throws: an answer of the Lambda API, or no answer at all. */
function dispatchError(error: unknown, name: string): DispatchError {
  const { name: code = '', retryAfterSeconds } = error as { name?: string; retryAfterSeconds?: string };
  if (code === 'TooManyRequestsException') {
    const seconds = Number(retryAfterSeconds);
    return new DispatchError('throttled', `${name} has no room for another call`, {
      cause: error,
      retryAfterMs: seconds > 0 ? seconds * 1000 : undefined,
    });
  }
  if (code === 'RequestTooLargeException') {
    return new DispatchError('failed', `the batch for ${name} is larger than Lambda takes`, { cause: error });
  }
  const hint = code === 'ResourceNotFoundException' ? '; is --lambda-function-prefix right?' : '';
  return new DispatchError('unreachable', redact(`invoke ${name}: ${messageOf(error)}${hint}`), {
    cause: error,
  });
}
