import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { stringify } from 'yaml';
import { KubeconfigError, loadKubeconfig } from './kubeconfig.ts';
import { readKubeconfig } from './kubeconfig-reader.ts';
import type { TokenSource } from './transport.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

const CONFIG = {
  'current-context': 'dev',
  clusters: [
    { name: 'dev', cluster: { server: 'https://dev:6443', 'certificate-authority-data': base64('DEV CA') } },
    {
      name: 'prod',
      cluster: {
        server: 'https://10.0.0.1',
        'certificate-authority': 'prod-ca.crt',
        'tls-server-name': 'prod.example.com',
        'proxy-url': 'http://proxy:3128',
      },
    },
    { name: 'lab', cluster: { server: 'https://lab', 'insecure-skip-tls-verify': true } },
  ],
  users: [
    { name: 'jane', user: { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') } },
    { name: 'robot', user: { token: 'canary-token\n', as: 'jane' } },
    { name: 'old', user: { username: 'jane', password: 'canary-password' } },
    {
      name: 'plugin',
      user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: './plugin.sh' } },
    },
    {
      name: 'broken',
      user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: './broken.sh' } },
    },
    {
      name: 'absent',
      user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'no-such-plugin' } },
    },
  ],
  contexts: [
    { name: 'dev', context: { cluster: 'dev', user: 'jane' } },
    { name: 'prod', context: { cluster: 'prod', user: 'robot' } },
    { name: 'lab', context: { cluster: 'lab', user: '' } },
    { name: 'old', context: { cluster: 'dev', user: 'old' } },
    { name: 'plugin', context: { cluster: 'dev', user: 'plugin' } },
    { name: 'broken', context: { cluster: 'dev', user: 'broken' } },
    { name: 'absent', context: { cluster: 'dev', user: 'absent' } },
    { name: 'no-cluster', context: { cluster: 'none', user: 'jane' } },
    { name: 'no-user', context: { cluster: 'dev', user: 'none' } },
  ],
};

/** Counts its calls in a file, and tells a token that counts with them and what it was told. */
const PLUGIN = `#!/bin/sh
cd "$(dirname "$0")"
echo x >> calls
echo "$KUBERNETES_EXEC_INFO" > info
printf '{"kind":"ExecCredential","status":{"token":"token-%s"}}' "$(wc -l < calls | tr -d ' ')"
`;

let folder: string;
let file: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'longshore-kubeconfig-'));
  file = path.join(folder, 'config');
  await writeFile(file, stringify(CONFIG));
  await writeFile(path.join(folder, 'prod-ca.crt'), 'PROD CA');
  await writeFile(path.join(folder, 'plugin.sh'), PLUGIN);
  await writeFile(
    path.join(folder, 'broken.sh'),
    '#!/bin/sh\necho "no session:" >&2\necho "token=canary" >&2\nexit 1\n',
  );
  for (const name of ['plugin.sh', 'broken.sh']) await chmod(path.join(folder, name), 0o755);
});
after(() => rm(folder, { recursive: true }));

/** What the reader finds, in this process: a process for each case would take half a minute. */
async function endpointOf(context?: string) {
  const reading = await readKubeconfig([file], context);
  assert.ok('endpoint' in reading, JSON.stringify(reading));
  return reading.endpoint;
}

describe('contexts', () => {
  test('the current one: CA and client certificate as PEM', async () => {
    assert.deepEqual(await endpointOf(), {
      server: 'https://dev:6443',
      ca: 'DEV CA',
      cert: 'CERT',
      key: 'KEY',
    });
  });

  test('another one: a file beside it, a name, a proxy, a token, impersonation', async () => {
    assert.deepEqual(await endpointOf('prod'), {
      server: 'https://10.0.0.1',
      ca: 'PROD CA',
      serverName: 'prod.example.com',
      proxyUrl: 'http://proxy:3128',
      impersonate: 'jane',
      cert: undefined,
      key: undefined,
      token: 'canary-token',
    });
  });

  test('one without verification and user', async () => {
    const endpoint = await endpointOf('lab');
    assert.deepEqual(endpoint, { server: 'https://lab', ca: undefined, insecureSkipVerify: true });
  });
});

describe('which file', () => {
  test('KUBECONFIG names several: the first that says something wins, missing ones do not count', async () => {
    const second = path.join(folder, 'second');
    const clusters = [{ name: 'dev', cluster: { server: 'https://other' } }];
    const contexts = [{ name: 'extra', context: { cluster: 'dev', user: 'jane' } }];
    await writeFile(second, stringify({ clusters, contexts, users: [], 'current-context': 'extra' }));
    const KUBECONFIG = [path.join(folder, 'missing'), second, file].join(path.delimiter);
    const endpoint = await loadKubeconfig({ environment: { KUBECONFIG } });
    assert.equal(endpoint.server, 'https://other');
    assert.equal(endpoint.cert, 'CERT');
  });

  test('no file is named, and none exists', async () => {
    const loading = loadKubeconfig({ environment: { HOME: folder } });
    await assert.rejects(loading, { message: `kubeconfig ${folder}/.kube/config: no such file` });
  });
});

describe('what cannot be used is an error of one line that names file and context', () => {
  const contexts: [string, RegExp][] = [
    ['nowhere', /, context 'nowhere': there is no such context; its contexts: 'dev', 'prod', /],
    ['no-cluster', /, context 'no-cluster': there is no cluster 'none'$/],
    ['no-user', /, context 'no-user': there is no user 'none'$/],
    ['old', /, context 'old': API servers accept no user names with passwords any more$/],
    ['broken', /, context 'broken': exec plugin 'broken.sh': no session: token=\*\*\*/],
    ['absent', /, context 'absent': exec plugin 'no-such-plugin': spawn no-such-plugin ENOENT$/],
  ];
  const texts: [string, string, RegExp][] = [
    ['no YAML', 'users: [{token: canary', /: it is no YAML: /],
    ['something else', 'canary', /: it has no contexts$/],
    ['a list', '- canary', /: it has no contexts$/],
    ['nothing', '', /: it is no YAML: .* empty$/],
    ['null', 'null', /: it is no kubeconfig$/],
    ['no current context', stringify({ ...CONFIG, 'current-context': '' }), /: it has no current context; /],
    [
      'a cluster without a server',
      'clusters: [{name: a, cluster: {}}]',
      /: clusters\[0\]\.cluster\.server is missing$/,
    ],
  ];
  const check = async (name: string, context: string | undefined, pattern: RegExp) => {
    const reading = await readKubeconfig([name], context);
    assert.ok('problem' in reading);
    const error = new KubeconfigError([name], reading.context, reading.problem);
    assert.match(error.message, pattern);
    assert.doesNotMatch(error.message, /canary|\n/);
  };
  for (const [context, pattern] of contexts) {
    test(`context ${context}`, () => check(file, context, pattern));
  }
  for (const [name, text, pattern] of texts) {
    test(name, async () => {
      const bad = path.join(folder, 'bad');
      await writeFile(bad, text);
      await check(bad, undefined, pattern);
    });
  }
  test('and it comes through the process that reads', async () => {
    await assert.rejects(loadKubeconfig({ file, context: 'no-user' }), {
      name: 'KubeconfigError',
      message: `kubeconfig ${file}, context 'no-user': there is no user 'none'`,
    });
  });
});

describe('an exec plugin', () => {
  const runs = async () => (await readFile(path.join(folder, 'calls'), 'utf8')).trim().split('\n').length;
  const load = async () => {
    await rm(path.join(folder, 'calls'), { force: true });
    const endpoint = await loadKubeconfig({ file, context: 'plugin' });
    return endpoint.token as TokenSource;
  };

  test('runs once for many requests, and once more when the server refuses its token to several', async () => {
    const token = await load();
    assert.deepEqual([await token(), await token()], ['token-1', 'token-1']);
    const refused = await Promise.all([token('token-1'), token('token-1'), token('token-1')]);
    assert.deepEqual(refused, ['token-2', 'token-2', 'token-2']);
    assert.equal(await token('token-1'), 'token-2');
    assert.equal(await runs(), 2);
  });

  test('is told what kubectl tells it', async () => {
    await load();
    const info = JSON.parse(await readFile(path.join(folder, 'info'), 'utf8'));
    assert.deepEqual(info, {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      spec: { interactive: false },
    });
  });
});
