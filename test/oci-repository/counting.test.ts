/** What an object costs (6.8, decisions 3 and 4): requests to API server and registry, operations of the store. */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { OciReference } from '../../shared/api/oci-repository.ts';
import { createFakeCluster } from '../workbench/fake-cluster.ts';
import type { Operation } from '../workbench/workbench.ts';
import { REQUESTED_AT, useSuite } from './suite.ts';

const INTERVAL_MS = 600_000;
/** After it nobody looks for old files any more: retention + 2 intervals. */
const SETTLED_MS = 10 * 60_000 + 2 * INTERVAL_MS + 1000;

describe('what an object costs', () => {
  const suite = useSuite({ kube: createFakeCluster() });
  const list = (operations: Operation[]) => operations.map(({ verb, on }) => `${verb} ${on}`);
  const api = () => list(suite.bench.api);
  const stored = () => suite.bench.stored.map(({ verb }) => verb);
  const asked = () =>
    suite.registry.requests.records.map(({ method, path }) => {
      const [, kind, name] = /\/(manifests|blobs|tags)\/(.*)$/.exec(path) ?? [];
      return `${method} ${kind} ${name?.startsWith('sha256:') ? 'by digest' : name}`;
    });

  beforeEach(async () => {
    // What a process learns once: the version of the kind, the scheme of the registry, code that is loaded lazily.
    await suite.push('1.0.0', { a: 'b' });
    await suite.bench.create('first', { url: suite.url(), interval: '10m', ref: { semver: '*' } });
    await suite.bench.run('first');
    suite.forget();
  });

  it('new: one read, finalizer, status, event; manifest and layer; file and alias', async () => {
    await suite.create();
    await suite.run();
    assert.deepEqual(api(), [
      'get ocirepositories',
      'patch ocirepositories',
      'patch ocirepositories/status',
      'create events',
    ]);
    assert.deepEqual(asked(), ['GET manifests latest', 'GET blobs by digest']);
    assert.deepEqual(stored(), ['put', 'copy']);
  });

  it('a new revision: one status, one event', async () => {
    await suite.ready();
    suite.bench.clock.move(SETTLED_MS);
    await suite.push('latest', { a: 'c' });
    await suite.run({ trigger: 'timer' });
    assert.deepEqual(api(), ['get ocirepositories', 'patch ocirepositories/status', 'create events']);
    assert.deepEqual(asked(), ['HEAD manifests latest', 'GET manifests by digest', 'GET blobs by digest']);
    assert.deepEqual(stored(), ['head', 'put', 'copy']);
  });

  it('other ignore rules: the manifest is needed whatever the tag stands for', async () => {
    await suite.ready();
    suite.bench.clock.move(SETTLED_MS);
    await suite.bench.edit('web', { spec: { ignore: '/readme.md' } });
    await suite.run();
    assert.deepEqual(asked(), ['GET manifests latest', 'GET blobs by digest']);
  });

  const rows: [string, (digest: string) => OciReference, string[]][] = [
    ['a digest', (digest) => ({ digest }), []],
    ['a tag', () => ({ tag: '1.0.0' }), ['HEAD manifests 1.0.0']],
    ['a range', () => ({ semver: '1.x' }), ['GET tags list', 'HEAD manifests 1.0.0']],
  ];
  for (const [name, ref, requests] of rows) {
    it(`${name} over two intervals without news: nothing is written`, async () => {
      await suite.ready({ ref: ref(await suite.push('1.0.0', { a: 'b' })) });
      suite.bench.clock.move(SETTLED_MS);
      suite.forget();
      for (let interval = 0; interval < 2; interval++) {
        await suite.run({ trigger: 'timer' });
        suite.bench.clock.move(INTERVAL_MS);
      }
      assert.deepEqual(suite.bench.writes(), []);
      assert.deepEqual(api(), ['get ocirepositories', 'get ocirepositories']);
      assert.deepEqual(asked(), [...requests, ...requests]);
      assert.deepEqual(stored(), ['head', 'head']);
    });
  }

  it('the time after a change: old files are looked for, and then no more', async () => {
    await suite.ready();
    for (let interval = 0; interval < 4; interval++) {
      suite.bench.clock.move(INTERVAL_MS);
      await suite.run({ trigger: 'timer' });
    }
    assert.deepEqual(stored(), ['head', 'list', 'head', 'list', 'head', 'list', 'head']);
  });

  it('a request without news: the answer, and an event for whoever asked', async () => {
    await suite.ready();
    suite.bench.clock.move(SETTLED_MS);
    await suite.bench.annotate('web', { [REQUESTED_AT]: 't1' });
    suite.forget();
    await suite.run({ trigger: 'requested' });
    assert.deepEqual(api(), ['get ocirepositories', 'patch ocirepositories/status', 'create events']);
  });

  it('a failure that is repeated: nothing is written again', async () => {
    await suite.create({ ref: { tag: 'nothing' } });
    await suite.fail();
    suite.forget();
    await suite.fail({ attempt: 1 });
    assert.deepEqual(api(), ['get ocirepositories']);
    assert.deepEqual(asked(), ['GET manifests nothing']);
    assert.deepEqual(stored(), []);
  });

  it('suspended: one read', async () => {
    await suite.ready();
    await suite.bench.edit('web', { spec: { suspend: true } });
    await suite.run();
    suite.forget();
    await suite.run({ trigger: 'requested' });
    assert.deepEqual([api(), asked(), stored()], [['get ocirepositories'], [], []]);
  });

  it('deleted: a listing, a delete for each file', async () => {
    await suite.ready();
    await suite.bench.remove('web');
    suite.forget();
    await suite.bench.run('web');
    assert.deepEqual(api(), ['get ocirepositories', 'create events', 'patch ocirepositories']);
    assert.deepEqual(stored(), ['list', 'delete', 'delete']);
  });
});
