/** What containers do under the relay: they start cold, die in the middle of a run, and have too little time. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { IMAGE_REPOSITORY, type ImageRepository } from '../../shared/api/image-repository.ts';
import { startHeldRegistry } from '../e2e/held-registry.ts';
import { eventually, newest, type Objects, openObjects } from '../e2e/objects.ts';
import { useApiServer } from '../parts/api-server.ts';
import { startEmbedded } from '../parts/api-servers.ts';
import { needs } from '../parts/parts.ts';
import { type S3Server, startVersitygw } from '../parts/versitygw.ts';
import { type Chain, startChain } from './chain.ts';

/** A run is not started with less than 12 s left, and 2 s are kept for the answer. */
const TOO_SHORT_MS = 10_000;

describe('containers of a packaged function', needs('versitygw'), () => {
  const cluster = useApiServer(startEmbedded);
  let s3: S3Server;
  let chain: Chain;
  let repositories: Objects<ImageRepository>;

  before(async () => {
    s3 = await startVersitygw();
    chain = await startChain({ cluster, storage: s3, rbac: false });
    repositories = openObjects(cluster.kube, newest(IMAGE_REPOSITORY), chain.namespace);
  });
  after(async () => {
    await chain?.stop();
    await s3?.stop();
  });

  const runsOf = (name: string) =>
    chain.endpoint.invocations.filter(({ event }) => event.includes(`"name":"${name}"`));

  test('killed in the middle of a run: a line says so, and the object runs again in a new container', async (t) => {
    const registry = await startHeldRegistry(t, ['1.0.0']);
    await repositories.create('killed', { image: registry.image('killed'), insecure: true });
    await registry.asked(1);
    assert.equal(await chain.endpoint.crash(chain.functionName), 1);
    await eventually(
      () => chain.relayLog.some((line) => /gave no answer: .* failed: .*Runtime exited/.test(line)),
      () => `not told:\n${chain.relayLog.join('')}`,
    );
    registry.release();
    const object = await repositories.ready('killed');
    assert.equal(object.status?.lastScanResult?.tagCount, 1);
    // What a person sees comes before the answer of the function.
    await eventually(
      () => runsOf('killed').length === 2,
      () => 'the second run did not end',
    );
    const runs = runsOf('killed');
    assert.deepEqual(
      runs.map(({ coldStart, answer }) => [coldStart, 'error' in answer]),
      [
        [true, true],
        [true, false],
      ],
    );
    // The second run knows of the first one, which may have been the fault of this very object.
    assert.match(runs[1]!.event, /"attempt":1/);
  });

  test('too little time: everything is deferred, nothing counts as failed, and a longer time-out is enough', async (t) => {
    const registry = await startHeldRegistry(t, ['1.0.0', '1.1.0']);
    registry.release();
    await chain.endpoint.configure(chain.functionName, { timeoutMs: TOO_SHORT_MS });
    const lines = chain.relayLog.length;
    await repositories.create('hasty', { image: registry.image('hasty'), insecure: true });
    await eventually(
      () => runsOf('hasty').length >= 2,
      () => 'it was not asked again',
    );
    for (const { answer } of runsOf('hasty')) {
      assert.match('payload' in answer ? answer.payload : '', /"result":"deferred"/);
    }
    await chain.endpoint.configure(chain.functionName, { timeoutMs: 60_000 });
    await repositories.ready('hasty');
    assert.match(runsOf('hasty').at(-1)!.event, /"attempt":0/);
    assert.deepEqual(
      chain.relayLog.slice(lines).filter((line) => line.includes('"level":"error"')),
      [],
    );
  });
});
