/**
 * An AWS account of its own: moto behind a door that mends what its CloudFormation lacks. Needs the part `moto_server`
 * (`pip install 'moto[server]'`).
 */
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { part } from './parts.ts';
import { freePort, startProcess } from './process.ts';

export interface MotoAccount {
  url: string;
  /** What a program needs to use it, as the SDKs read it. */
  environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export async function startMoto(): Promise<MotoAccount> {
  const port = await freePort();
  const moto = await startProcess(part('moto_server')!, ['-H', '127.0.0.1', '-p', String(port)], {
    port,
    readyMs: 60_000,
  });

  const ask = (method: string, path: string, headers: IncomingMessage['headers'], body: Buffer | string) =>
    new Promise<{ message: IncomingMessage; body: Buffer }>((resolve, reject) => {
      const request = send({ host: '127.0.0.1', port, method, path, headers }, async (message) => {
        resolve({ message, body: await collect(message) });
      });
      request.on('error', reject);
      request.end(body);
    });

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await collect(request);
    const form = request.method === 'POST' ? new URLSearchParams(body.toString('latin1')) : undefined;
    // It lints with a foreign linter and takes every warning for an error.
    if (form?.get('Action') === 'ValidateTemplate') {
      response.setHeader('content-type', 'text/xml').end(VALID);
      return;
    }
    const answered = await ask(request.method!, request.url!, request.headers, body);
    // A change set that it executes leaves the outputs as they were; an update with the same template does not.
    if (form?.get('Action') === 'ExecuteChangeSet') await refresh(form.get('StackName')!, request.headers);
    response.writeHead(answered.message.statusCode!, answered.message.headers).end(answered.body);
  };

  const refresh = async (stack: string, { authorization, host }: IncomingMessage['headers']) => {
    const call = (parameters: Record<string, string>) => {
      const body = new URLSearchParams({ Version: '2010-05-15', StackName: stack, ...parameters }).toString();
      const headers = {
        authorization,
        host,
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': String(body.length),
      };
      return ask('POST', '/', headers, body);
    };
    const { body } = await call({ Action: 'GetTemplate' });
    const template = /<TemplateBody>([\s\S]*)<\/TemplateBody>/.exec(body.toString())![1]!;
    await call({ Action: 'UpdateStack', TemplateBody: plain(template) });
  };

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    environment: { AWS_ENDPOINT_URL: url, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
    async stop() {
      server.close();
      server.closeAllConnections();
      await moto.stop();
    },
  };
}

const VALID =
  '<ValidateTemplateResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><ValidateTemplateResult/></ValidateTemplateResponse>';

async function collect(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of message as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

function plain(xml: string): string {
  return xml
    .replaceAll('&quot;', '"')
    .replaceAll('&#34;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
