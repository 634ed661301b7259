/** Files behind our back, a full store and a restart: what consumers can still download, and how it comes back. */
import assert from 'node:assert/strict';
import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fluxArtifact } from '../../infra/local/registry/artifact.ts';
import { type LocalRegistry, startRegistry } from '../../infra/local/registry/registry.ts';
import { onEveryApiServer } from '../parts/api-servers.ts';
import { download } from '../parts/download.ts';
import { openStage, type Stage } from './stage.ts';

const QUICK_RETRIES = ['--min-retry-delay=50ms', '--max-retry-delay=100ms'];

onEveryApiServer((api) => {
  /** A registry with `team/app:latest`, the product, and the Ready object `app`. */
  async function setUp(t: Parameters<typeof openStage>[0]) {
    const registry = await startRegistry({ port: 0 });
    t.after(() => registry.close());
    await push(registry, 'one');
    const stage = await openStage(t, api);
    const args = [`--namespace=${stage.namespace}`, ...QUICK_RETRIES];
    const product = await stage.serve({ args });
    await stage.artifacts.create('app', { url: `oci://${registry.host}/team/app` });
    const { status } = await stage.artifacts.ready('app');
    return { registry, stage, product, args, before: status! };
  }

  const push = (registry: LocalRegistry, text: string) =>
    registry.push('team/app', 'latest', fluxArtifact({ 'app.yaml': `kind: ${text}\n` }));

  const fileOf = (stage: Stage, artifactPath: string) =>
    path.join(stage.store, 'objects', stage.namespace, 'artifacts', artifactPath);

  test('a store that takes nothing: consumers get the artifact of before, and the new one when it is well', async (t) => {
    const { registry, stage, before } = await setUp(t);
    // Root may write everywhere, but not below a file.
    const temporary = path.join(stage.store, 'temp');
    await rm(temporary, { recursive: true });
    await writeFile(temporary, '');
    await push(registry, 'two');
    await stage.artifacts.request('app');
    const { reason, message } = await stage.artifacts.failed('app');
    assert.equal(reason, 'ArchiveOperationFailed');
    assert.match(message, /unable to archive artifact to storage: .*ENOTDIR/);
    for (const url of [before.artifact!.url, before.url!]) {
      assert.equal((await download(url)).digest, before.artifact!.digest);
    }

    await rm(temporary);
    await mkdir(temporary);
    const { status } = await stage.artifacts.ready('app');
    assert.notEqual(status!.artifact!.revision, before.artifact!.revision);
    assert.equal((await download(status!.artifact!.url)).digest, status!.artifact!.digest);
    assert.equal((await download(before.artifact!.url)).digest, before.artifact!.digest);
  });

  for (const [what, spoil] of [
    ['deleted', (file: string) => rm(file)],
    ['altered', (file: string) => writeFile(file, 'altered')],
    ['cut', (file: string) => truncate(file, 10)],
  ] as const) {
    test(`a file that was ${what} is right again after the next run, at both addresses`, async (t) => {
      const { stage, before } = await setUp(t);
      await spoil(fileOf(stage, before.artifact!.path));
      await stage.artifacts.request('app');
      const { status } = await stage.artifacts.ready('app');
      assert.equal(status!.artifact!.digest, before.artifact!.digest);
      for (const url of [status!.artifact!.url, status!.url!]) {
        assert.equal((await download(url)).digest, before.artifact!.digest);
      }
    });
  }

  test('a restart over the same store rebuilds nothing, and tells the address that is served now', async (t) => {
    const { registry, stage, product, args, before } = await setUp(t);
    await product.stop();
    registry.requests.clear();
    const next = await stage.serve({ args });
    assert.notEqual(next.artifactUrl, product.artifactUrl);
    const { status } = await stage.artifacts.until('app', 'moved', (object) =>
      object.status!.artifact!.url.startsWith(`${next.artifactUrl}/`),
    );
    assert.deepEqual(status!.artifact, {
      ...before.artifact!,
      url: `${next.artifactUrl}/${before.artifact!.path}`,
    });
    assert.ok(status!.url!.startsWith(`${next.artifactUrl}/`));
    for (const url of [status!.artifact!.url, status!.url!]) {
      assert.equal((await download(url)).digest, before.artifact!.digest);
    }
    await next.idle();
    assert.equal(registry.requests.count('*', /\/blobs\//), 0);
  });

  test('a restart over an empty store brings every artifact back', async (t) => {
    const { stage, product, args, before } = await setUp(t);
    await product.stop();
    await rm(stage.store, { recursive: true });
    const next = await stage.serve({ args });
    const { status } = await stage.artifacts.until('app', 'moved', (object) =>
      Boolean(object.status!.artifact?.url.startsWith(`${next.artifactUrl}/`)),
    );
    assert.equal(status!.artifact!.digest, before.artifact!.digest);
    for (const url of [status!.artifact!.url, status!.url!]) {
      assert.equal((await download(url)).digest, before.artifact!.digest);
    }
  });

  test('with a base of its own, statuses name that base and files are served as ever', async (t) => {
    const { stage, product, args, before } = await setUp(t);
    await product.stop();
    const base = 'https://cdn.example/some/folder';
    const next = await stage.serve({ args: [...args, `--artifact-base-url=${base}/`] });
    const { status } = await stage.artifacts.until('app', 'moved', (object) =>
      object.status!.artifact!.url.startsWith(`${base}/`),
    );
    assert.equal(status!.artifact!.url, `${base}/${before.artifact!.path}`);
    assert.match(status!.url!, /^https:\/\/cdn\.example\/some\/folder\/ocirepository\/.*\/latest\.tar\.gz$/);
    const served = await download(`${next.artifactUrl}/${before.artifact!.path}`);
    assert.equal(served.digest, before.artifact!.digest);
  });
});
