/** A registry whose answers wait until the test lets them go: what happens in the middle of a scan is no race then. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface HeldRegistry {
  /** Name of an image on it; every repository exists. */
  image(repository: string): string;
  /** Resolves when the n-th listing, from 1, waits for its answer. */
  asked(n: number): Promise<void>;
  /** Answers what waits, and from now on everything at once. */
  release(): void;
}

/** @param tags of every repository */
export async function startHeldRegistry(t: TestContext, tags: string[]): Promise<HeldRegistry> {
  const released = Promise.withResolvers<void>();
  const arrivals: (() => void)[] = [];
  let listings = 0;
  const server = createServer(async (request, response) => {
    listings += 1;
    for (const arrive of arrivals.splice(0)) arrive();
    await released.promise;
    const [, , ...name] = request.url!.split('?')[0]!.split('/').slice(0, -2);
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ name: name.join('/'), tags }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    image: (repository) => `127.0.0.1:${(server.address() as AddressInfo).port}/${repository}`,
    async asked(n) {
      while (listings < n) await new Promise<void>((resolve) => arrivals.push(resolve));
    },
    release: () => released.resolve(),
  };
}
