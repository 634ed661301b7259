/**
 * What a store does to an object: full, slow, unreadable, emptied, with files that somebody deleted or altered. A good
 * artifact is never lost for it, nothing is half visible, and the object converges when the store is well.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { artifactKey } from '../../shared/artifact/artifact-path.ts';
import { createDirectoryStore } from '../../shared/storage/directory.ts';
import { type ObjectStore, StorageError } from '../../shared/storage/object-store.ts';
import { createS3Store } from '../../shared/storage/s3.ts';
import { needs } from '../parts/parts.ts';
import { startVersitygw } from '../parts/versitygw.ts';
import { createFakeCluster } from '../workbench/fake-cluster.ts';
import { CLUSTER, type Operation } from '../workbench/workbench.ts';
import { useSuite } from './suite.ts';

const MINUTE = 60_000;

const STORES = [
  {
    name: 'a directory',
    options: { skip: false as string | false },
    async open() {
      const folder = mkdtempSync(join(tmpdir(), 'longshore-faults-'));
      return { store: createDirectoryStore(folder), stop: async () => rmSync(folder, { recursive: true }) };
    },
  },
  {
    name: 'S3',
    options: needs('versitygw'),
    async open() {
      const server = await startVersitygw();
      return { store: createS3Store(server), stop: () => server.stop() };
    },
  },
];

for (const { name, options, open } of STORES) {
  describe(`an OCIRepository over ${name}`, options, () => {
    let opened: { store: ObjectStore; stop(): Promise<void> };
    before(async () => {
      opened = await open();
    });
    after(() => opened?.stop());
    const suite = useSuite(
      { kube: createFakeCluster() },
      {
        get store() {
          return opened.store;
        },
      },
    );

    /** Files of the object in the store. */
    const stored = async () => {
      const prefix = artifactKey(CLUSTER, `ocirepository/${suite.bench.namespace}/web/`);
      const keys: string[] = [];
      for await (const { key } of opened.store.list(prefix)) keys.push(key.slice(prefix.length));
      return keys;
    };
    const pathOf = async () => (await suite.read()).status!.artifact!.path;
    const keyOf = async () => artifactKey(CLUSTER, await pathOf());
    const push = (text: string) => suite.push('latest', { 'app.yaml': `${text}\n` });
    const ready = async () => (await suite.conditions()).find((line) => line.startsWith('Ready'));
    const failOn = (verb: string, text = 'no space is left on the disk (ENOSPC)', on = /^/) => {
      suite.bench.hooks.store = (operation: Operation) => {
        if (operation.verb !== verb || !on.test(operation.on)) return;
        throw new StorageError(`cannot ${verb} object '${operation.on}': ${text}`);
      };
    };
    const repair = () => {
      suite.bench.hooks = Object.assign(suite.bench.hooks, { store: undefined, api: undefined });
    };

    it('full: the failure names the cause, what was published stays, and it goes on when there is room', async () => {
      const { status } = await suite.ready();
      await push('two');
      failOn('put');
      const { status: failed } = await suite.fail();
      assert.deepEqual(failed!.artifact, status!.artifact);
      assert.equal(failed!.url, status!.url);
      const conditions = await suite.conditions();
      for (const type of ['Ready False', 'StorageOperationFailed True']) {
        const line = conditions.find((each) => each.startsWith(`${type} ArchiveOperationFailed: `));
        assert.match(line ?? '', /unable to archive artifact to storage: cannot put object .*ENOSPC/, type);
      }
      assert.deepEqual(await suite.files(), { 'deploy/app.yaml': 'kind: A\n', 'readme.md': 'hello\n' });
      assert.equal((await stored()).length, 2);
      repair();
      await suite.run();
      assert.deepEqual(await suite.files(), { 'app.yaml': 'two\n' });
      assert.ok(!(await suite.conditions()).some((line) => line.startsWith('StorageOperationFailed')));
    });

    it('full for the alias alone: the artifact is published, the alias follows when there is room', async () => {
      await suite.ready();
      await push('two');
      failOn('copy');
      const { status } = await suite.run();
      assert.deepEqual(await suite.files(), { 'app.yaml': 'two\n' });
      assert.ok((await suite.events()).some((line) => /SymlinkUpdateFailed: .*ENOSPC/.test(line)));
      assert.equal(status!.url, undefined);
      repair();
      assert.ok((await suite.run()).status!.url);
      const latest = artifactKey(CLUSTER, `ocirepository/${suite.bench.namespace}/web/latest.tar.gz`);
      assert.deepEqual(
        (await opened.store.head(latest))!.sha256,
        (await opened.store.head(await keyOf()))!.sha256,
      );
    });

    it('unreadable: nothing is taken for lost, nothing is built anew', async () => {
      const { status } = await suite.ready();
      failOn('head', 'permission denied (EACCES)');
      const failed = await suite.fail();
      assert.deepEqual(failed.status!.artifact, status!.artifact);
      assert.match((await ready())!, /^Ready False StatOperationFailed: .*permission denied/);
      assert.equal(suite.bench.stored.filter(({ verb }) => verb === 'put').length, 0);
      repair();
      await suite.run();
      assert.deepEqual((await suite.read()).status!.artifact, status!.artifact);
    });

    it('that cannot list: old files wait, the object is Ready', async () => {
      await suite.ready();
      failOn('list');
      await suite.run();
      assert.match((await ready())!, /^Ready True/);
      assert.ok(suite.bench.log.some((line) => line.includes('old files could not be deleted')));
    });

    it('slow: the new revision is told meanwhile, the old artifact stays until the new one is whole', async () => {
      const { status } = await suite.ready();
      const digest = await push('two');
      const told = Promise.withResolvers<void>();
      suite.bench.hooks.api = ({ verb, on }) => {
        if (verb === 'patch' && on === 'ocirepositories/status') told.resolve();
      };
      let seen: Awaited<ReturnType<typeof suite.read>> | undefined;
      suite.bench.hooks.store = async ({ verb }) => {
        if (verb !== 'put') return;
        await told.promise;
        seen = await suite.read();
      };
      await suite.run();
      assert.deepEqual(seen!.status!.artifact, status!.artifact);
      assert.equal((await suite.read()).status!.artifact!.revision, `latest@${digest}`);
    });

    it('with a file that was deleted: it is there again, the same, after one run', async () => {
      const { status } = await suite.ready();
      await opened.store.delete(await keyOf());
      const again = await suite.run();
      const { lastUpdateTime: _, ...before } = status!.artifact!;
      const { lastUpdateTime: __, ...now } = again.status!.artifact!;
      assert.deepEqual(now, before);
      assert.deepEqual(await suite.files(), { 'deploy/app.yaml': 'kind: A\n', 'readme.md': 'hello\n' });
    });

    for (const [what, bytes] of [
      ['altered', (size: number) => Buffer.alloc(size, 'x')],
      ['cut', (size: number) => Buffer.alloc(size - 1, 'x')],
    ] as const) {
      it(`with a file that was ${what}: a warning, and the right bytes after one run`, async () => {
        const { status } = await suite.ready();
        await opened.store.put(await keyOf(), bytes(status!.artifact!.size!));
        await suite.run();
        assert.equal((await suite.read()).status!.artifact!.digest, status!.artifact!.digest);
        assert.deepEqual(await suite.files(), { 'deploy/app.yaml': 'kind: A\n', 'readme.md': 'hello\n' });
        const warning = /^Warning ArtifactVerificationFailed: failed to verify integrity of artifact: /;
        assert.ok((await suite.events()).some((line) => warning.test(line)));
      });
    }

    it('with an altered file that cannot be deleted: the failure says so, and is over with its cause', async () => {
      const { status } = await suite.ready();
      await opened.store.put(await keyOf(), Buffer.from('altered'));
      failOn('delete', 'the file system is read-only (EROFS)');
      await suite.fail();
      assert.match((await ready())!, /failed to remove artifact after digest mismatch: .*EROFS/);
      repair();
      await suite.run();
      assert.equal((await suite.read()).status!.artifact!.digest, status!.artifact!.digest);
    });

    it('that was emptied: everything is there again after one run', async () => {
      const { status } = await suite.ready();
      for (const file of await stored()) {
        await opened.store.delete(artifactKey(CLUSTER, `ocirepository/${suite.bench.namespace}/web/${file}`));
      }
      const again = await suite.run();
      assert.equal(again.status!.artifact!.digest, status!.artifact!.digest);
      assert.equal(again.status!.url, status!.url);
      assert.equal((await stored()).length, 2);
    });

    it('that is another one, with files of nobody: they are never taken for ours', async () => {
      await suite.create();
      const prefix = artifactKey(CLUSTER, `ocirepository/${suite.bench.namespace}/web/`);
      const { digest } = (await suite.run()).status!.artifact!;
      const plain = await keyOf();
      for (const file of await stored()) await opened.store.delete(prefix + file);
      await opened.store.put(plain, Buffer.from('somebody else was here'));
      const again = await suite.run();
      assert.equal(again.status!.artifact!.digest, digest);
      assert.deepEqual(await suite.files(), { 'deploy/app.yaml': 'kind: A\n', 'readme.md': 'hello\n' });
    });

    it('crash between file and status: the next run takes the file that is there', async () => {
      const { status } = await suite.ready();
      await push('two');
      const crash = new AbortController();
      suite.bench.hooks.api = ({ verb, on }) => {
        if (verb !== 'patch' || on !== 'ocirepositories/status') return;
        crash.abort(new Error('the process ended'));
        throw new Error('the process ended');
      };
      await suite.bench.run('web', { signal: crash.signal });
      assert.deepEqual((await suite.read()).status!.artifact, status!.artifact);
      assert.equal((await stored()).length, 3);
      repair();
      suite.forget();
      await suite.run();
      assert.deepEqual(await suite.files(), { 'app.yaml': 'two\n' });
      assert.equal((await stored()).length, 3);
    });

    it('a rebuild of the same revision leaves the file that consumers know, until its time is over', async () => {
      const { status } = await suite.ready();
      await suite.bench.edit('web', { spec: { ignore: 'readme.md' } });
      const { artifact } = (await suite.run()).status!;
      assert.equal(artifact!.revision, status!.artifact!.revision);
      assert.notEqual(artifact!.path, status!.artifact!.path);
      assert.deepEqual(await suite.files(), { 'deploy/app.yaml': 'kind: A\n' });
      assert.ok(await suite.stored(status!.artifact!.path));
      suite.bench.clock.move(15 * MINUTE);
      await suite.run({ trigger: 'timer' });
      assert.equal(await suite.stored(status!.artifact!.path), undefined);
      assert.deepEqual(await suite.files(), { 'deploy/app.yaml': 'kind: A\n' });
    });

    it('deletion: files that cannot be deleted keep the object, with the cause in an event', async () => {
      await suite.ready();
      await suite.bench.remove('web');
      for (const verb of ['list', 'delete']) {
        failOn(verb, 'permission denied (EACCES)');
        const outcome = await suite.bench.run('web');
        assert.deepEqual(
          [outcome.result, outcome.result === 'retry' && outcome.reason],
          ['retry', 'GarbageCollectionFailed'],
        );
        assert.ok(await suite.bench.read('web'));
      }
      assert.ok((await suite.events()).some((line) => /GarbageCollectionFailed: .*EACCES/.test(line)));
      repair();
      await suite.bench.run('web');
      assert.equal(await suite.bench.read('web'), undefined);
      assert.deepEqual(await stored(), []);
    });
  });
}
