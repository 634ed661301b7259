/** What registries do wrong, and a process that dies: the object converges, and a good artifact is never lost or half visible. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { fluxArtifact } from '../../infra/local/registry/artifact.ts';
import type { OciRepository } from '../../shared/api/oci-repository.ts';
import { createFakeCluster } from '../workbench/fake-cluster.ts';
import { assertKstatus } from '../workbench/kstatus.ts';
import { BLOBS, LISTING, MANIFESTS, useSuite } from './suite.ts';

const DIGEST = `sha256:${'0a'.repeat(32)}`;
const OLD = { 'deploy/app.yaml': 'kind: A\n', 'readme.md': 'hello\n' };
const NEW = { 'deploy/app.yaml': 'kind: B\n' };

describe('faults of a registry', () => {
  const suite = useSuite({ kube: createFakeCluster() }, { speed: 20 });
  /** The artifact of before is untouched, in the status and in the store. */
  const keeps = async (before: OciRepository) => {
    assert.deepEqual((await suite.read()).status!.artifact, before.status!.artifact);
    assert.deepEqual(await suite.files(), OLD);
  };
  /** Without the faults, the next run ends well with what is new. */
  const converges = async (files: Record<string, string> = NEW) => {
    suite.registry.faults.clear();
    await suite.run({ trigger: 'timer', attempt: 1 });
    assert.deepEqual(await suite.files(), files);
  };

  const faults: [string, Parameters<typeof suite.registry.faults.add>[0]][] = [
    ['cuts every connection', { reset: true }],
    ['answers with 500', { status: 500 }],
    ['answers with a page in HTML', { path: MANIFESTS, method: 'GET', status: 200, body: '<html>' }],
    ['cuts manifests short', { path: MANIFESTS, method: 'GET', cutAfter: 10 }],
    ['cuts layers short', { path: BLOBS, cutAfter: 10 }],
    ['sends other layers', { path: BLOBS, corrupt: true }],
    ['sends other manifests', { path: MANIFESTS, method: 'GET', corrupt: true }],
    ['says another length of a layer', { path: BLOBS, body: 'x' }],
    ['has lost its layers', { path: BLOBS, status: 404 }],
    [
      'lies about the digest of a tag',
      { path: MANIFESTS, method: 'HEAD', headers: { 'docker-content-digest': DIGEST } },
    ],
    [
      'redirects into nothing',
      { path: BLOBS, status: 307, headers: { location: 'http://169.254.169.254/layer' } },
    ],
    ['never answers', { path: BLOBS, delayMs: Number.POSITIVE_INFINITY }],
  ];
  for (const [name, rule] of faults) {
    it(`one that ${name}`, async () => {
      // Short only where it has to pass: what a busy machine does slowly is not the fault that is meant.
      const before = await suite.ready({ timeout: rule.delayMs ? '4s' : '1m' });
      await suite.push('latest', NEW);
      suite.registry.faults.add(rule);
      await suite.fail({ trigger: 'timer' });
      await keeps(before);
      await converges();
    });
  }

  it('one that names no digest is asked for the manifest itself', async () => {
    await suite.ready();
    await suite.push('latest', NEW);
    suite.registry.faults.add({ path: MANIFESTS, headers: { 'docker-content-digest': null } });
    await suite.run({ trigger: 'timer' });
    assert.deepEqual(await suite.files(), NEW);
  });

  it('one that lists tags of which one is gone again', async () => {
    const before = await suite.ready();
    await suite.bench.edit('web', { spec: { ref: { semver: '1.x' } } });
    suite.registry.faults.add({ path: LISTING, body: { name: 'team/app', tags: ['1.0.0'] } });
    await suite.fail();
    await keeps(before);
    await suite.push('1.0.0', NEW);
    await converges();
  });

  it('a tag that moves between HEAD and GET: what was resolved is what is stored', async () => {
    await suite.ready();
    const digest = await suite.push('latest', NEW);
    const moved = async () => {
      await suite.push('latest', { other: 'c' });
    };
    const answers: string[] = [];
    const remove = suite.registry.faults.add({ path: /\/manifests\/sha256:/, delayMs: 30 });
    const run = suite.run({ trigger: 'timer' });
    while (suite.registry.requests.count('GET', /\/manifests\/sha256:/) === 0) await turn();
    await moved();
    const object = await run;
    remove();
    answers.push(object.status!.artifact!.revision);
    assert.deepEqual(answers, [`latest@${digest}`]);
    assert.deepEqual(await suite.files(), NEW);
    await converges({ other: 'c' });
  });

  it('a layer that is cut anywhere, or of which any byte is another', async () => {
    const before = await suite.ready();
    const files = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [`f${index}`, `${index}`.repeat(400)]),
    );
    await suite.push('latest', files);
    const size = fluxArtifact(files).layers![0]!.data.length;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: size - 1 }), async (cutAfter) => {
        const remove = suite.registry.faults.add({ path: BLOBS, cutAfter });
        await suite.fail({ trigger: 'timer' });
        remove();
        await keeps(before);
      }),
      { numRuns: 12 },
    );
    await converges(files);
  });

  it('a slow registry delays nobody else, and is given up at the timeout', async () => {
    const before = await suite.ready({ timeout: '2s' });
    await suite.push('latest', NEW);
    suite.registry.faults.add({ path: BLOBS, bytesPerSecond: 20 });
    await suite.fail({ trigger: 'timer' });
    assert.match((await suite.conditions())[1]!, /context deadline exceeded/);
    await keeps(before);
    await converges();
  });
});

describe('a process that dies', () => {
  const cluster = createFakeCluster();
  const suite = useSuite({ kube: cluster });
  class Killed extends Error {}
  let left = 0;
  /** Counts every call to API server and store; from the wanted one on nothing is done any more. */
  const countdown = () => {
    if (left-- <= 0) throw new Killed('killed');
  };
  const die = (after: number) => {
    left = after;
    suite.bench.hooks.api = countdown;
    suite.bench.hooks.store = countdown;
  };
  const revive = () => {
    suite.bench.hooks.api = undefined;
    suite.bench.hooks.store = undefined;
  };
  beforeEach(() => revive());
  afterEach(() => revive());

  /** What consumers rely on at every moment: the file of the status is there, whole, and the one that it says. */
  const isSound = async () => {
    const object = await suite.bench.read('web');
    if (!object?.status?.artifact) return undefined;
    return await suite.files();
  };

  const stories: [
    string,
    (suite: ReturnType<typeof useSuite>) => Promise<void>,
    Record<string, string> | undefined,
  ][] = [
    ['a new object', async () => {}, OLD],
    [
      'a new revision',
      async () => {
        await suite.run();
        await suite.push('latest', NEW);
      },
      NEW,
    ],
    [
      'other ignore rules',
      async () => {
        await suite.run();
        await suite.bench.edit('web', { spec: { ignore: '/readme.md' } });
      },
      { 'deploy/app.yaml': 'kind: A\n' },
    ],
    [
      'a file that is gone',
      async () => {
        await suite.run();
        for await (const { key } of suite.bench.store.list('')) await suite.bench.store.delete(key);
      },
      OLD,
    ],
    [
      'an altered file',
      async () => {
        const { status } = await suite.run();
        await suite.bench.store.put(`test/artifacts/${status!.artifact!.path}`, Buffer.from('evil'));
      },
      OLD,
    ],
    [
      'a deletion',
      async () => {
        await suite.run();
        await suite.bench.remove('web');
      },
      undefined,
    ],
  ];
  for (const [name, prepare, files] of stories) {
    it(`${name}: after any of its calls, the run after it brings it to its end`, async () => {
      for (let after = 0, done = false; !done; after++) {
        assert.ok(after < 40, 'the story does not end');
        await suite.push('latest', OLD);
        await suite.create();
        await prepare(suite);
        const wasSound = name.includes('file') ? undefined : await isSound();
        die(after);
        await suite.bench.run('web');
        done = left >= 0;
        revive();
        if (wasSound && files) assert.ok(await isSound(), `nothing is published after call ${after}`);
        const outcome = await suite.bench.run('web', { attempt: 1 });
        if (files) {
          assert.equal(outcome.result, 'ok', JSON.stringify(outcome));
          assertKstatus(await suite.read());
          assert.deepEqual(await suite.files(), files, `after call ${after}`);
          const { url, artifact } = (await suite.read()).status!;
          const alias = url!.replace('http://artifacts.test/', '');
          assert.deepEqual(
            await suite.stored(alias),
            await suite.stored(artifact!.path),
            `alias after call ${after}`,
          );
          await suite.bench.remove('web');
          await suite.bench.run('web');
        }
        assert.equal(await suite.bench.read('web'), undefined);
        assert.deepEqual(
          await Array.fromAsync(suite.bench.store.list('')),
          [],
          `left over after call ${after}`,
        );
      }
    });
  }
});

const turn = () => new Promise((resolve) => setTimeout(resolve, 2));
