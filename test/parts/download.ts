/** Downloads as consumers of artifacts do: plain HTTP, nothing unpacked on the way. */
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';

export interface Downloaded {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
  /** `sha256:` and the hex digits of the body's hash. */
  digest: string;
}

/** One request on a connection of its own, with the headers that Go's client sends. */
export async function download(url: string, method: 'GET' | 'HEAD' = 'GET'): Promise<Downloaded> {
  const asked = request(url, { method, agent: false, headers: { 'accept-encoding': 'gzip' } });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const body = await buffer(response);
  return {
    status: response.statusCode!,
    headers: response.headers,
    body,
    digest: `sha256:${hash('sha256', body)}`,
  };
}
