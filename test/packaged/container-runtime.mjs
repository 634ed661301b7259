/**
 * What Lambda runs in a container, as far as a handler can tell: imports the handler once, then gives it one event
 * after the other. Plain JavaScript beside nothing else: the bundle must find all it needs in its own folder.
 * Arguments: the handler as file.export. Talks with `container.ts` over the IPC channel of the child process.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [file, name] = process.argv[2].split('.');

function describe(error) {
  const { name: errorType = 'Error', message = String(error), stack = '' } = error ?? {};
  return { errorType, errorMessage: message, trace: stack.split('\n') };
}

async function answer({ event, requestId, deadline }, handler) {
  const context = {
    awsRequestId: requestId,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  try {
    const result = await handler(JSON.parse(event), context);
    process.send({ payload: JSON.stringify(result ?? null) });
  } catch (error) {
    process.send({ error: describe(error) });
  }
}

try {
  const module = await import(pathToFileURL(join(process.cwd(), `${file}.mjs`)).href);
  const handler = module[name];
  if (typeof handler !== 'function') throw new TypeError(`${file}.${name} is not a function`);
  process.once('disconnect', () => process.exit());
  process.on('message', (invocation) => answer(invocation, handler));
  process.send({ ready: true });
} catch (error) {
  process.send({ error: describe(error) }, () => process.exit(1));
}
