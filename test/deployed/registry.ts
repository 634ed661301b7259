/** A registry whose listings wait, each as long as the test wants, and tell what they were asked for. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SlowRegistry {
  host: string;
  /** Listings that wait for their answer now. */
  readonly waiting: number;
  /** Answers what waits with these tags, oldest first, and what comes from now on at once. */
  answer(tags: string[]): void;
  /** From now on listings wait. What waits goes on waiting. */
  hold(): void;
  /** Answers the n-th of those that wait, from 0, alone. */
  answerOne(n: number, tags: string[]): void;
  close(): void;
}

export async function startSlowRegistry(): Promise<SlowRegistry> {
  const waiting: { name: string; response: ServerResponse }[] = [];
  let current: string[] | undefined;
  const send = ({ name, response }: (typeof waiting)[number], tags: string[]) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ name, tags }));
  const server = createServer((request, response) => {
    const name = /^\/v2\/(.+)\/tags\/list/.exec(request.url!)?.[1];
    if (!name) return void response.writeHead(200).end('{}');
    const listing = { name, response };
    if (current) return void send(listing, current);
    waiting.push(listing);
    response.on('close', () => {
      const at = waiting.indexOf(listing);
      if (at >= 0) waiting.splice(at, 1);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get waiting() {
      return waiting.length;
    },
    answer(tags) {
      current = tags;
      for (const listing of waiting.splice(0)) send(listing, tags);
    },
    hold() {
      current = undefined;
    },
    answerOne(n, tags) {
      const [listing] = waiting.splice(n, 1);
      send(listing!, tags);
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
