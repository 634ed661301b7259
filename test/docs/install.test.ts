/**
 * The page "install", followed step by step: its commands are copied from it and run against what stands here for a cloud
 * account (moto, the packaged functions) and for a cluster (kube-apiserver, relay processes).
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { writeFiles } from '../../infra/bundle/cold-start.ts';
import { PROJECT_FOLDER } from '../../infra/bundle/functions.ts';
import { bundleRelay, RELAY_FILE } from '../../infra/bundle/relay.ts';
import { fluxArtifact } from '../../infra/local/registry/artifact.ts';
import { type LocalRegistry, startRegistry } from '../../infra/local/registry/registry.ts';
import { createKubeClient } from '../../shared/kube/rest-client.ts';
import { createTransport, type KubeTransport } from '../../shared/kube/transport.ts';
import { readSettings } from '../../shared/runtime/settings.ts';
import { packageFunctions } from '../packaged/chain.ts';
import { type InvokeEndpoint, startInvokeEndpoint } from '../packaged/invoke-endpoint.ts';
import { type KubeApiServer, startKubeApiServerWith } from '../parts/kube-api-server.ts';
import { type MotoAccount, startMoto } from '../parts/moto.ts';
import { needs, part } from '../parts/parts.ts';
import { freePort } from '../parts/process.ts';
import { takeTurn } from '../parts/turn.ts';
import { type Kubelet, startKubelet } from './kubelet.ts';
import { commandsOf, runInShell } from './page.ts';

const STAGE = 'page';
const REGION = 'eu-central-1';
const PREFIX = `longshore-${STAGE}-`;

describe('docs/install.md', {
  ...needs('kube-apiserver', 'etcd', 'helm', 'kubectl', 'moto_server'),
  timeout: 300_000,
}, () => {
  let folder: string;
  let account: MotoAccount;
  let cluster: KubeApiServer;
  let transport: KubeTransport;
  let registry: LocalRegistry;
  let kubelet: Kubelet;
  let functions: InvokeEndpoint | undefined;
  let artifactPort: number;
  const pages = commandsOf('install.md');

  let endTurn: () => Promise<void>;

  before(async () => {
    endTurn = await takeTurn('deploy');
    folder = await mkdtemp(join(tmpdir(), 'longshore-page-'));
    [account, cluster, registry, artifactPort] = await Promise.all([
      startMoto(),
      startKubeApiServerWith([]),
      startRegistry({ port: 0, dataFolder: join(folder, 'registry') }),
      freePort(),
    ]);
    await registry.push('podinfo', 'latest', fluxArtifact({ 'app.yaml': 'kind: App\n' }));
    await writeFiles((await bundleRelay()).files, join(folder, 'relay'));
    transport = createTransport(cluster.endpoint);
    const kube = createKubeClient(transport);
    const relay = join(folder, 'relay', RELAY_FILE);
    kubelet = startKubelet({ kube, cluster, relay, folder, environment: {}, artifactPort }, startFunctions);
  });
  after(async () => {
    await kubelet?.stop();
    await functions?.close();
    transport?.close();
    await Promise.all([account?.stop(), cluster?.stop(), registry?.close()]);
    await rm(folder, { recursive: true });
    await endTurn();
    await rm(join(PROJECT_FOLDER, '.longshore', `values-${STAGE}.yaml`), { force: true });
  });

  /** AWS for whoever asks it; Lambda is not moto's, which would need Docker. */
  function awsOf(): Record<string, string> {
    return {
      ...account.environment,
      AWS_REGION: REGION,
      ...(functions && { AWS_ENDPOINT_URL_LAMBDA: functions.url }),
    };
  }

  /** What the deployment has made, as soon as somebody has named the bucket. */
  async function startFunctions(args: string[]): Promise<Record<string, string>> {
    if (functions) return awsOf();
    const settings = readSettings('relay', args, {});
    assert.equal(settings['lambda-function-prefix'], PREFIX);
    const packaged = await packageFunctions(folder, PREFIX, {
      ...awsOf(),
      STORAGE_BUCKET: settings['storage-bucket'],
      STORAGE_PREFIX: settings['storage-prefix'],
      ARTIFACT_BASE_URL: settings['artifact-base-url'],
      ALLOW_LOOPBACK_ADDRESSES: 'true',
    });
    functions = await startInvokeEndpoint(packaged);
    return awsOf();
  }

  /** The page's own text, with the names of what stands here. */
  function here(commands: string): string {
    return commands
      .replaceAll('--stage prod', `--stage ${STAGE}`)
      .replaceAll('values-prod', `values-${STAGE}`)
      .replace(/^npm run deploy .*$/m, `$& --param artifact-base-url=http://127.0.0.1:${artifactPort}`)
      .replaceAll('https://API_SERVER:6443', cluster.endpoint.server)
      .replaceAll('=KEY_ID ', '=test ')
      .replaceAll('=SECRET_KEY', '=test')
      .replaceAll(
        'oci://ghcr.io/stefanprodan/manifests/podinfo',
        `oci://${new URL(registry.url).host}/podinfo\n  insecure: true`,
      );
  }

  async function follow(at: number): Promise<string> {
    const environment = {
      PATH: [dirname(process.execPath), dirname(part('kubectl')!), process.env.PATH].join(':'),
      HOME: folder,
      KUBECONFIG: cluster.kubeconfig,
      ...awsOf(),
    };
    try {
      return await runInShell(here(pages[at]!), environment);
    } catch (error) {
      const logs = kubelet.output() + (functions?.output(`${PREFIX}oci-repository`) ?? '');
      throw new Error(`${(error as Error).message}\n${logs.slice(-4000)}`, { cause: error });
    }
  }

  test('the page has the steps that this test knows', () => {
    assert.deepEqual(
      pages.map((commands) => commands.split(/\s+/).slice(0, 3).join(' ')),
      [
        'npm run deploy',
        'kubectl -n longshore-system',
        'kubectl create namespace',
        'helm upgrade longshore',
        'helm uninstall longshore',
        'npm run remove',
      ],
    );
  });

  test('deploy the functions, install the chart', async () => {
    const output = await follow(0);
    assert.match(output, /^STATUS: deployed$/m);
    assert.match(output, /1\. Wait for the relay:/);
  });

  test('hand the key to the pod; the relay is there, and the doctor is content', async () => {
    // The environment of the shell names the functions from here on.
    while (!functions) await pause(50);
    const output = await follow(1);
    assert.match(output, /deployment "longshore" successfully rolled out/);
    assert.match(output, /^ok +functions +oci-repository: known as system:serviceaccount:longshore-system:/m);
    assert.match(output, /^nothing failed/m);
  });

  test('the first object becomes Ready, and its address answers', async () => {
    const output = await follow(2);
    assert.match(output, /ocirepository\.source\.toolkit\.fluxcd\.io\/podinfo condition met/);
    const url = output.trim().split('\n').at(-1)!;
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/ocirepository\/apps\/podinfo\/[0-9a-f]{64}\.tar\.gz$/);
    const response = await fetch(url);
    assert.equal(response.status, 200);
    assert.equal((await response.bytes()).length, Number(response.headers.get('content-length')));
  });

  test('upgrade: nothing of what is there is lost', async () => {
    const output = await follow(3);
    assert.match(output, /^nothing failed/m);
    assert.match(output, /^ok +artifacts +.*: the artifact of apps\/podinfo, \d+ bytes$/m);
  });

  test('uninstall: objects, CRDs and bucket stay', async () => {
    assert.match(await follow(4), /release "longshore" uninstalled/);
    const objects = await runInShell('kubectl get ocirepositories -A -o name', {
      PATH: `${dirname(part('kubectl')!)}:${process.env.PATH}`,
      KUBECONFIG: cluster.kubeconfig,
      HOME: folder,
    });
    assert.equal(objects, 'ocirepository.source.toolkit.fluxcd.io/podinfo\n');
    assert.match(await follow(5), /Bucket \S+ is kept/);
  });
});
