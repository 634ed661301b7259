/** What the image of the relay runs, without an image: the command of the Dockerfile on the bundle in an empty folder. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { NAMESPACES } from '../../shared/kube/resource.ts';
import { createKubeClient } from '../../shared/kube/rest-client.ts';
import { createTransport } from '../../shared/kube/transport.ts';
import { startEmbedded } from '../../test/parts/api-servers.ts';
import type { Bundle } from './bundle.ts';
import { writeFiles } from './cold-start.ts';
import { PROJECT_FOLDER } from './functions.ts';
import { bundleRelay } from './relay.ts';

const NODE_OF_IMAGE = '/nodejs/bin/node';
const FOLDER_OF_IMAGE = '/relay/';

describe('the image of the relay', () => {
  let folder: string;
  let command: string[];
  let bundle: Bundle;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longshore-image-'));
    bundle = await bundleRelay();
    await writeFiles(bundle.files, folder);
    const dockerfile = await readFile(join(PROJECT_FOLDER, 'Dockerfile'), 'utf8');
    command = JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(dockerfile)![1]!) as string[];
  });
  after(() => rm(folder, { recursive: true }));

  /** The container: its command, nothing of this machine but the folder, no other environment. */
  function run(args: string[], environment: Record<string, string>) {
    const [node, ...rest] = command;
    assert.equal(node, NODE_OF_IMAGE);
    const inFolder = rest.map((part) => part.replace(FOLDER_OF_IMAGE, `${folder}/`));
    const sandbox = ['--permission', `--allow-fs-read=${folder}`];
    const child = spawn(process.execPath, [...sandbox, ...inFolder, ...args], {
      cwd: folder,
      env: environment,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    return { child, output: () => output };
  }

  test('serves a cluster from the files of its ServiceAccount, and ends with 0', async (t) => {
    const cluster = await startEmbedded();
    t.after(() => cluster.stop());
    const { server, ca, token } = cluster.endpoint;
    const transport = createTransport(cluster.endpoint);
    t.after(() => transport.close());
    await createKubeClient(transport).create(NAMESPACES, {}, { metadata: { name: 'longshore-system' } });
    for (const [name, text] of Object.entries({ 'ca.crt': ca, token, namespace: 'longshore-system' })) {
      await writeFile(join(folder, name), text as string);
    }
    const { hostname, port } = new URL(server);
    const addresses = [
      '--metrics-addr=127.0.0.1:0',
      '--health-addr=127.0.0.1:0',
      '--storage-addr=127.0.0.1:0',
    ];
    const { child, output } = run([...addresses, '--storage-bucket=artifacts'], {
      SERVICE_ACCOUNT_FOLDER: folder,
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
      AWS_REGION: 'eu-central-1',
    });
    t.after(() => child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    while (!output().includes('leading, epoch 1')) {
      const [ended] = await Promise.race([once(child.stdout, 'data').then(() => [null]), exited]);
      assert.equal(ended, null, output());
    }
    assert.match(output(), /"msg":"relay started"/);
    child.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null], output());
  });

  test('outside of a cluster it ends with one line', async () => {
    const { child, output } = run([], {});
    assert.deepEqual(await once(child, 'close'), [1, null]);
    assert.match(output(), /^relay: not inside a cluster: .*\n$/);
  });

  test('a kubeconfig is for those outside of a cluster: it says so', async () => {
    const { child, output } = run([], { KUBECONFIG: '/kubeconfig' });
    assert.deepEqual(await once(child, 'close'), [1, null]);
    assert.match(output(), /^relay: kubeconfig \/kubeconfig: the image of the relay reads none, .*\n$/);
  });

  test('the image is built from what .dockerignore lets through', async (t) => {
    const ignored = await readFile(join(PROJECT_FOLDER, '.dockerignore'), 'utf8');
    const allowed = ignored.split('\n').filter((line) => line.startsWith('!'));
    const context = await mkdtemp(join(tmpdir(), 'longshore-context-'));
    t.after(() => rm(context, { recursive: true }));
    for (const path of allowed.map((line) => line.slice(1))) {
      const filter = (source: string) => !source.endsWith('.test.ts');
      await cp(join(PROJECT_FOLDER, path), join(context, path), { recursive: true, filter });
    }
    await symlink(join(PROJECT_FOLDER, 'node_modules'), join(context, 'node_modules'));
    const dockerfile = await readFile(join(PROJECT_FOLDER, 'Dockerfile'), 'utf8');
    const build = /^RUN node (.+)$/m.exec(dockerfile)![1]!.split(' ');
    const { stdout } = await promisify(execFile)(process.execPath, build, { cwd: context });
    assert.match(stdout, /^dist\/relay {2}[\d.]+ MB\n$/);
    const names = [...bundle.files.keys()].sort();
    const built = await readdir(join(context, 'dist/relay'), { recursive: true, withFileTypes: true });
    const files = built.filter((entry) => entry.isFile());
    assert.equal(files.length, names.length);
  });
});
