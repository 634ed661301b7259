import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { needs } from '../../test/parts/parts.ts';
import { type S3Server, startVersitygw } from '../../test/parts/versitygw.ts';
import { createManualClock } from '../runtime/manual-clock.ts';
import { createDirectoryStore } from '../storage/directory.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { createS3Store } from '../storage/s3.ts';
import { listed } from '../storage/store-contract.ts';
import { artifactKey } from './artifact-path.ts';
import { type ArtifactContent, openArtifactStore } from './artifact-store.ts';

const BASE = 'http://artifacts.example';
const REVISION = `1.0@sha256:${'ab'.repeat(32)}`;
const PLAIN = 'ab'.repeat(32);
const MINUTE = 60_000;

/** @param streamed as a stream, like an artifact that was spooled */
function contentOf(text: string, streamed = false, algorithm = 'sha256'): ArtifactContent & { sent: number } {
  const bytes = Buffer.from(text);
  const content = {
    size: bytes.length,
    sha256: hash('sha256', bytes),
    digest: `${algorithm}:${hash(algorithm, bytes)}`,
    sent: 0,
    body() {
      content.sent += 1;
      return streamed ? Readable.from([bytes]) : bytes;
    },
  };
  return content;
}

let count = 0;

/** The artifacts of one object, beside those of others with names that begin alike. */
function setUp(store: ObjectStore) {
  const clock = createManualClock(Date.now());
  const owner = { namespace: `apps-${count++}`, name: 'web' };
  const options = {
    store,
    cluster: 'c1',
    baseUrl: BASE,
    retention: { ttlMs: 10 * MINUTE, records: 2 },
    clock,
  };
  const artifacts = openArtifactStore(options, owner);
  const folder = `ocirepository/${owner.namespace}/web/`;
  return {
    clock,
    artifacts,
    folder,
    publish: (content: ArtifactContent, current?: { path: string; digest: string }, revision = REVISION) =>
      artifacts.publish(content, { uid: 'u', revision, ...(current && { current }) }),
    neighbour: openArtifactStore(options, { ...owner, name: 'web-2' }),
    files: async () =>
      (await listed(store.list(artifactKey('c1', folder)))).map(({ key }) => key.split('/').at(-1)),
    text: async (path: string) => (await (await store.get(artifactKey('c1', path)))?.bytes())?.toString(),
    spoil: (path: string) => store.put(artifactKey('c1', path), Buffer.from('spoilt')),
  };
}

function testArtifactStore(store: () => ObjectStore): void {
  test('publishes under the name of the revision, and tells what a status says of it', async () => {
    const { clock, folder, publish, artifacts, text } = setUp(store());
    for (const content of [contentOf('one'), contentOf('one', true)]) {
      const file = await publish(content);
      assert.deepEqual(file, {
        path: `${folder}${PLAIN}.tar.gz`,
        url: `${BASE}/${folder}${PLAIN}.tar.gz`,
        digest: `sha256:${content.sha256}`,
        size: 3,
        lastUpdateTime: `${new Date(clock.now()).toISOString().slice(0, 19)}Z`,
      });
      assert.deepEqual(await artifacts.check(file), { state: 'intact' });
      assert.equal(await text(file.path), 'one');
    }
  });

  test('keeps with the file what it is (16.4)', async () => {
    const { artifacts, folder, publish } = setUp(store());
    const { path, digest } = await publish(contentOf('one'));
    await artifacts.pointLatest(path);
    const [, namespace] = folder.split('/');
    for (const each of [path, `${folder}latest.tar.gz`]) {
      const found = await store().head(artifactKey('c1', each));
      assert.deepEqual(found!.metadata, {
        kind: 'OCIRepository',
        namespace,
        name: 'web',
        uid: 'u',
        revision: REVISION,
        digest,
      });
    }
  });

  for (const streamed of [false, true]) {
    test(`never writes a published file again${streamed ? ' (stream)' : ''}`, async () => {
      const { artifacts, folder, publish, files, text } = setUp(store());
      const one = await publish(contentOf('one', streamed));
      const content = contentOf('two', streamed);
      const two = await publish(content);
      assert.equal(two.path, `${folder}${PLAIN}-${content.sha256.slice(0, 12)}.tar.gz`);
      assert.equal(two.url, `${BASE}/${two.path}`);
      assert.deepEqual([await text(one.path), await text(two.path)], ['one', 'two']);
      assert.deepEqual(await publish(contentOf('two', streamed)), two);
      assert.deepEqual(await publish(contentOf('one', streamed)), one);
      assert.equal((await files()).length, 2);
      assert.deepEqual(await artifacts.check(two), { state: 'intact' });
    });
  }

  test('sends nothing that is stored already, and does not try a name that is known to be taken', async () => {
    const { publish, files } = setUp(store());
    const one = await publish(contentOf('one'));
    const again = contentOf('one');
    assert.deepEqual(await publish(again, one, `other@sha256:${PLAIN}`), one);
    const two = contentOf('two');
    const published = await publish(two, one);
    assert.deepEqual([again.sent, two.sent], [0, 1]);
    const three = contentOf('two');
    assert.deepEqual(await publish(three, published), published);
    assert.equal(three.sent, 0);
    assert.equal((await files()).length, 2);
  });

  test('does not send a large content that is stored already, or whose name is taken', async () => {
    const { publish, files } = setUp(store());
    const large = 'x'.repeat(400_000);
    const first = await publish(contentOf(large));
    const same = contentOf(large);
    assert.deepEqual(await publish(same), first);
    const other = contentOf(`${large}y`, true);
    await publish(other);
    const again = contentOf(`${large}y`, true);
    await publish(again);
    assert.deepEqual([same.sent, other.sent, again.sent], [0, 1, 0]);
    assert.equal((await files()).length, 2);
  });

  test('writes an altered file again under its own name, and leaves one of the plain name alone', async () => {
    const { artifacts, publish, spoil, text } = setUp(store());
    const one = await publish(contentOf('one'));
    await spoil(one.path);
    const own = await publish(contentOf('one'));
    assert.notEqual(own.path, one.path);
    await spoil(own.path);
    assert.equal((await artifacts.check(own)).state, 'altered');
    assert.deepEqual(await publish(contentOf('one')), own);
    assert.deepEqual([await text(one.path), await text(own.path)], ['spoilt', 'one']);
  });

  test('the alias is the file that it was pointed to last', async () => {
    const { artifacts, folder, publish, text, files } = setUp(store());
    assert.equal(artifacts.url(), `${BASE}/${folder}latest.tar.gz`);
    const one = await publish(contentOf('one'));
    await artifacts.pointLatest(one.path);
    const two = await publish(contentOf('two'));
    assert.equal(await text(`${folder}latest.tar.gz`), 'one');
    await artifacts.pointLatest(two.path);
    await artifacts.pointLatest(two.path);
    assert.equal(await text(`${folder}latest.tar.gz`), 'two');
    assert.equal((await files()).length, 3);
  });

  test('an alias of a file that is gone is an error, and stays what it was', async () => {
    const { artifacts, folder, publish, text } = setUp(store());
    const one = await publish(contentOf('one'));
    await artifacts.pointLatest(one.path);
    await assert.rejects(artifacts.pointLatest(`${folder}${'cd'.repeat(32)}.tar.gz`), {
      name: 'StorageError',
    });
    assert.equal(await text(`${folder}latest.tar.gz`), 'one');
  });

  for (const algorithm of ['sha384', 'sha512']) {
    test(`tells and checks ${algorithm} where that is wanted (15.3)`, async () => {
      const { artifacts, publish, spoil, files } = setUp(store());
      const content = contentOf('one', false, algorithm);
      const file = await publish(content);
      assert.equal(file.digest, `${algorithm}:${hash(algorithm, 'one')}`);
      assert.deepEqual(await artifacts.check(file), { state: 'intact' });
      assert.deepEqual(await publish(contentOf('one', false, algorithm)), file);
      assert.equal((await files()).length, 1);
      const other = { ...file, digest: `${algorithm}:${hash(algorithm, 'two')}` };
      assert.deepEqual(await artifacts.check(other), {
        state: 'altered',
        why: `its digest is ${file.digest} instead of ${other.digest}`,
      });
      await spoil(file.path);
      assert.equal((await artifacts.check({ ...file, size: 6 })).state, 'altered');
    });
  }

  test('a file that was told in another algorithm stays as it is, and is stored once more', async () => {
    const { artifacts, publish } = setUp(store());
    const one = await publish(contentOf('one'));
    const other = await publish(contentOf('one', false, 'sha512'), one);
    assert.notEqual(other.path, one.path);
    const again = await publish(contentOf('one', false, 'sha512'));
    assert.equal(again.path, other.path);
    for (const file of [one, other]) assert.deepEqual(await artifacts.check(file), { state: 'intact' });
  });

  test('check tells what became of a file (6.3)', async () => {
    const { artifacts, publish, spoil, neighbour } = setUp(store());
    const file = await publish(contentOf('one'));
    const other = await neighbour.publish(contentOf('one'), { uid: 'u', revision: REVISION });
    const state = async (changes: object) => {
      const found = await artifacts.check({ ...file, ...changes });
      return found.state === 'altered' ? found.why : found.state;
    };
    assert.equal(await state({ size: undefined }), 'intact');
    assert.equal(await state({ size: 4 }), 'it has 3 bytes instead of 4');
    const zeros = `sha256:${'0'.repeat(64)}`;
    assert.equal(await state({ digest: zeros }), `its digest is ${file.digest} instead of ${zeros}`);
    assert.equal(await state({ digest: undefined }), 'the status has no usable digest (none)');
    assert.equal(await state({ digest: 'sha512:ab' }), 'the status has no usable digest (sha512:ab)');
    for (const path of [
      other.path,
      file.path.replace(PLAIN, 'cd'.repeat(32)),
      `../${file.path}`,
      `${file.path.slice(0, -PLAIN.length - 7)}../web/${PLAIN}.tar.gz`,
      '/etc/passwd',
      '',
    ]) {
      assert.equal(await state({ path }), 'missing', path);
    }
    await spoil(file.path);
    assert.equal(await state({}), 'it has 6 bytes instead of 3');
    assert.equal(await state({ size: 6 }), 'the store has no SHA-256 of it: it was written by somebody else');
    await artifacts.remove(file.path);
    assert.equal(await state({}), 'missing');
    assert.equal((await neighbour.check(other)).state, 'intact');
  });

  test('collects what is too old and what is too many, never the current file or the alias', async () => {
    const { clock, artifacts, publish, files, neighbour } = setUp(store());
    const stay = await neighbour.publish(contentOf('one'), { uid: 'u', revision: REVISION });
    const one = await publish(contentOf('one'));
    await publish(contentOf('two'));
    const three = await publish(contentOf('three'));
    await artifacts.pointLatest(three.path);
    assert.equal(await artifacts.collect(three.path), 1);
    assert.equal((await files()).length, 3);
    assert.equal(await artifacts.collect(three.path), 0);
    clock.advance(20 * MINUTE);
    assert.equal(await artifacts.collect(three.path), 1);
    assert.deepEqual((await files()).toSorted(), [three.path.split('/').at(-1), 'latest.tar.gz'].toSorted());
    assert.equal((await artifacts.check(three)).state, 'intact');
    assert.equal((await artifacts.check(one)).state, 'missing');
    clock.advance(1000 * MINUTE);
    assert.equal((await neighbour.check(stay)).state, 'intact');
  });

  test('removes everything of a deleted object, and nothing of its neighbours', async () => {
    const { artifacts, publish, files, neighbour } = setUp(store());
    const stay = await neighbour.publish(contentOf('one'), { uid: 'u', revision: REVISION });
    const { path } = await publish(contentOf('one'));
    await publish(contentOf('two'));
    await artifacts.pointLatest(path);
    await artifacts.remove(stay.path);
    assert.equal(await artifacts.removeAll(), 3);
    assert.deepEqual(await files(), []);
    assert.equal(await artifacts.removeAll(), 0);
    assert.equal((await neighbour.check(stay)).state, 'intact');
  });

  test('stops when the signal has aborted', async () => {
    const { artifacts, publish } = setUp(store());
    const file = await publish(contentOf('one'));
    const signal = AbortSignal.abort(new Error('deadline'));
    for (const use of [
      artifacts.check(file, signal),
      artifacts.publish(contentOf('two'), { uid: 'u', revision: REVISION }, signal),
      artifacts.pointLatest(file.path, signal),
      artifacts.collect(file.path, signal),
      artifacts.removeAll(signal),
    ]) {
      await assert.rejects(use, /deadline/);
    }
    assert.equal((await artifacts.check(file)).state, 'intact');
  });
}

describe('artifacts in a directory', () => {
  const folder = mkdtempSync(join(tmpdir(), 'longshore-artifacts-'));
  after(() => rmSync(folder, { recursive: true }));
  const store = createDirectoryStore(folder);
  testArtifactStore(() => store);
});

describe('artifacts in S3', needs('versitygw'), () => {
  let server: S3Server;
  let store: ObjectStore;
  before(async () => {
    server = await startVersitygw();
    store = createS3Store({ ...server, prefix: 'some/prefix' });
  });
  after(() => server.stop());
  testArtifactStore(() => store);
});
