/** The clients that people have: oras and skopeo against our registry. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { needs, part } from '../../../test/parts/parts.ts';
import { startRegistry } from './registry.ts';

const execute = promisify(execFile);

/** A registry that asks for a token to push, a folder for the client's files, and a way to call it there. */
async function setUp(t: TestContext, program: string, scheme: 'basic' | 'bearer') {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-client-'));
  const registry = await startRegistry({ port: 0, auth: { scheme, users: { ann: 'secret-a' } } });
  t.after(async () => {
    await registry.close();
    await rm(folder, { recursive: true });
  });
  const call = async (...args: string[]) => {
    const env = { ...process.env, HOME: folder, DOCKER_CONFIG: folder };
    return (await execute(part(program)!, args, { cwd: folder, env })).stdout;
  };
  return { folder, registry, call };
}

for (const scheme of ['basic', 'bearer'] as const) {
  describe(`oras with ${scheme}`, needs('oras'), () => {
    test('pushes, tags, lists, attaches, copies, pulls and deletes', async (t) => {
      const { folder, registry, call } = await setUp(t, 'oras', scheme);
      const app = `${registry.host}/team/app`;
      const account = ['--plain-http', '--username', 'ann', '--password', 'secret-a'];
      const oras = (command: string[], ...args: string[]) => call(...command, ...account, ...args);
      await assert.rejects(call('push', '--plain-http', `${app}:1.0`), /401|credential not found/);

      await writeFile(join(folder, 'note.txt'), 'hello');
      await oras(['push'], `${app}:1.0`, 'note.txt:text/plain');
      await oras(['tag'], `${app}:1.0`, '1.1', '1.2');
      assert.deepEqual(registry.tags('team/app'), ['1.0', '1.1', '1.2']);
      registry.faults.add({ path: /tags\/list$/, times: 1, status: 503 });
      assert.equal(await oras(['repo', 'tags'], app, '--last', '1.0'), '1.1\n1.2\n');

      await oras(['attach'], `${app}:1.0`, '--artifact-type', 'application/x.note', 'note.txt');
      assert.match(await oras(['discover'], `${app}:1.0`), /application\/x\.note/);

      const [from, to] = ['--from', '--to'].flatMap((side) => [
        [`${side}-plain-http`, `${side}-username`, 'ann', `${side}-password`, 'secret-a'],
      ]) as [string[], string[]];
      await call('cp', ...from, ...to, `${app}:1.0`, `${registry.host}/team/copy:1.0`);
      assert.ok(
        registry.requests.records.some(({ query }) => query.includes('mount=')),
        'blobs are mounted',
      );

      await oras(['pull'], `${registry.host}/team/copy:1.0`, '-o', 'out');
      assert.equal(await readFile(join(folder, 'out/note.txt'), 'utf8'), 'hello');
      await oras(['manifest', 'delete'], '--force', `${app}:1.0`);
      assert.deepEqual(registry.tags('team/app'), []);
    });
  });

  describe(`skopeo with ${scheme}`, needs('skopeo'), () => {
    test('copies an image in and out, and lists its tags', async (t) => {
      const { registry, call } = await setUp(t, 'skopeo', scheme);
      await registry.push('team/app', ['1.0', '1.1']);
      const [source, target] = ['1.0', '2.0'].map((tag) => `docker://${registry.host}/team/app:${tag}`);
      await call(
        'copy',
        '--insecure-policy',
        '--src-tls-verify=false',
        '--dest-tls-verify=false',
        '--src-creds=ann:secret-a',
        '--dest-creds=ann:secret-a',
        source!,
        target!,
      );
      const list = await call(
        'list-tags',
        '--tls-verify=false',
        '--creds=ann:secret-a',
        `docker://${registry.host}/team/app`,
      );
      assert.deepEqual(JSON.parse(list).Tags, ['1.0', '1.1', '2.0']);
    });
  });
}
