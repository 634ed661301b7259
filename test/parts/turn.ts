/** Test files that run side by side and must not do one thing at the same time, such as packaging into `dist/`. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * Waits until no other process has the turn. It ends with the call of what is answered, or with this process.
 * @param name of what only one may do
 */
export async function takeTurn(name: string): Promise<() => Promise<void>> {
  // The real parts are programs for Linux, whose kernel frees such an address with the process that has it.
  const path = `\0longshore-${name}`;
  for (;;) {
    const server = createServer();
    try {
      server.listen(path);
      await once(server, 'listening');
      server.unref();
      return async () => {
        server.close();
        await once(server, 'close');
      };
    } catch {
      await pause(200);
    }
  }
}
