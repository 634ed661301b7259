import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Batch } from '../../shared/runtime/contract.ts';
import { RELEASE } from '../../shared/runtime/release.ts';
import { startTestApi, testObject } from './test-api.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** The relay as a process of its own, with what it has said so far. */
function run(args: string[], environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  cleanups.push(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  /** Resolves when it has said the text. */
  const said = async (text: string) => {
    while (!output.includes(text)) await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  };
  return { child, said, output: () => output };
}

describe('the pod', () => {
  test('serves a cluster through Lambda with a minted token, and ends with 0 at SIGTERM', async () => {
    const api = await startTestApi();
    cleanups.push(() => api.close());
    const { promise: invoked, resolve } = Promise.withResolvers<Batch>();
    const lambda = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const batch = JSON.parse(body) as Batch;
      resolve(batch);
      const outcomes = batch.requests.map((key) => ({ ...key, result: 'ok', durationMs: 1 }));
      response.end(JSON.stringify({ contract: 1, release: RELEASE, outcomes }));
    });
    lambda.listen(0, '127.0.0.1');
    await once(lambda, 'listening');
    cleanups.push(() => {
      lambda.close();
      lambda.closeAllConnections();
    });
    const folder = await mkdtemp(join(tmpdir(), 'relay-'));
    cleanups.push(() => rm(folder, { recursive: true }));
    const kubeconfig = join(folder, 'config');
    await writeFile(
      kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'test',
        contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
        clusters: [{ name: 'test', cluster: { server: api.url } }],
        users: [{ name: 'test', user: { token: 'canary-of-the-relay' } }],
      }),
    );

    const { port } = lambda.address() as AddressInfo;
    const { child, said, output } = run(
      [
        `--lambda-endpoint=http://127.0.0.1:${port}`,
        '--metrics-addr=127.0.0.1:0',
        '--health-addr=127.0.0.1:0',
      ],
      {
        KUBECONFIG: kubeconfig,
        AWS_REGION: 'eu-central-1',
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
      },
    );
    await said('relay started');
    // The kinds begin in any order.
    let watch = await api.watch(1);
    for (let n = 2; !watch.path.includes('/image.toolkit.fluxcd.io/'); n++) watch = await api.watch(n);
    watch.send({ type: 'ADDED', object: testObject('a') });
    const batch = await invoked;
    assert.deepEqual(batch.access, { provider: 'token', server: api.url, token: 'minted' });
    const [request] = batch.requests;
    assert.deepEqual([request?.group, request?.name], ['image.toolkit.fluxcd.io', 'a']);
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    assert.equal(code, 0, output());
    await said('stopped');
    for (const secret of ['canary-of-the-relay', 'minted']) assert.ok(!output().includes(secret), secret);
  });

  for (const [what, args, environment, lines] of [
    [
      'settings',
      ['--concurrent=many', '--cluster-id=UPPER'],
      {},
      [/^relay: --cluster-id: expected .*\(got 'UPPER'\)$/, /^relay: --concurrent: .*\(got 'many'\)$/],
    ],
    ['no cluster', [], {}, [/^relay: not inside a cluster: /]],
    ['a kubeconfig that is not there', [], { KUBECONFIG: '/nowhere' }, [/^relay: .*\/nowhere/]],
  ] as const) {
    test(`cannot start: ${what}: one line for each problem, exit code 1`, async () => {
      const { child, output } = run([...args], environment);
      const [code] = await once(child, 'close');
      assert.equal(code, 1);
      const said = output().trim().split('\n');
      assert.equal(said.length, lines.length, output());
      for (const [at, line] of lines.entries()) assert.match(said[at]!, line);
    });
  }
});
