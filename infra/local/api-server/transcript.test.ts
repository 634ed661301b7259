/** Plays a recorded session of kubectl 1.36, in order: every request gets the answer that kubectl got. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request as send } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { IMAGE_REPOSITORY_KIND } from '../../../shared/api/image-repository-schema.ts';
import { type ApiServer, startApiServer } from './api-server.ts';
import type { RecordedCommand, RecordedRequest } from './transcript.ts';

const FIXTURE = path.join(import.meta.dirname, 'fixtures/kubectl-1.36.json');
const session = JSON.parse(await readFile(FIXTURE, 'utf8')) as RecordedCommand[];

let folder: string;
let server: ApiServer;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'longshore-transcript-'));
  // As it was recorded: with more kinds, the versions that the session quotes would be others.
  server = await startApiServer({ port: 0, dataFolder: folder, kinds: [IMAGE_REPOSITORY_KIND] });
});
after(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/** The answer's status, and its body; of a watch, which goes on, nothing. */
function play(recorded: RecordedRequest): Promise<{ status: number; body: string }> {
  const { method, url, accept, contentType, body = '', base64 } = recorded;
  const content = base64 ? Buffer.from(base64, 'base64') : Buffer.from(body);
  const headers = {
    authorization: `Bearer ${server.endpoint.token}`,
    ...(accept && { accept }),
    ...(contentType && { 'content-type': contentType }),
    'content-length': content.length,
  };
  return new Promise((resolve, reject) => {
    const { ca } = server.endpoint;
    const request = send(`${server.url}${url}`, { method, headers, ca, agent: false }, async (response) => {
      const status = response.statusCode ?? 0;
      if (/[?&]watch=(true|1)/.test(url) && status === 200) {
        request.destroy();
        resolve({ status, body: '' });
        return;
      }
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      resolve({ status, body: Buffer.concat(chunks).toString() });
    });
    request.on('error', reject);
    request.end(content);
  });
}

for (const { command, requests } of session) {
  test(`kubectl ${command}`, async () => {
    assert.ok(requests.length > 0);
    for (const recorded of requests) {
      const { status, body } = await play(recorded);
      assert.equal(status, recorded.status, `${recorded.method} ${recorded.url}: ${body.slice(0, 500)}`);
      if (status >= 400) assert.equal(JSON.parse(body).kind, 'Status');
    }
  });
}
