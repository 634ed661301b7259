/** The command where nothing is deployed, and what it makes of each refusal; `test/deployed` has the rest. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { KubeClient } from '../../../shared/kube/client.ts';
import type { KubeTransport } from '../../../shared/kube/transport.ts';
import { createManualClock } from '../../../shared/runtime/manual-clock.ts';
import { RELEASE } from '../../../shared/runtime/release.ts';
import { readSettings } from '../../../shared/runtime/settings.ts';
import { startEmbedded } from '../../../test/parts/api-servers.ts';
import { RELAY_KINDS } from '../../relay/kinds.ts';
import { runCommand } from '../test-run.ts';
import { checkApiServer } from './api-server.ts';
import type { Finding } from './finding.ts';
import { checkFunctions } from './functions.ts';
import type { Installation } from './installation.ts';
import { checkRelay } from './relay.ts';
import type { Visit } from './visit.ts';

const signal = new AbortController().signal;
const FLAGS = {
  namespace: 'system',
  release: 'longshore',
  kubeconfig: undefined,
  context: undefined,
} as const;

const INSTALLATION: Installation = {
  name: 'longshore',
  namespace: 'system',
  release: RELEASE,
  replicas: 1,
  ready: 1,
  serviceAccount: 'longshore',
  settings: readSettings('relay', [], {}),
  region: 'us-east-1',
  kinds: RELAY_KINDS.slice(0, 1),
  functions: ['image-repository'],
};

function visitOf(parts: Partial<Visit>): Visit {
  return {
    flags: { ...FLAGS, output: 'table' },
    clock: createManualClock(),
    endpoint: { server: 'https://api.example' },
    transport: {} as KubeTransport,
    kube: {} as KubeClient,
    serverAheadMs: 0,
    installation: undefined,
    ...parts,
  };
}

describe('longshore doctor on the embedded control plane', () => {
  let server: Awaited<ReturnType<typeof startEmbedded>>;
  before(async () => {
    server = await startEmbedded();
  });
  after(() => server?.stop());

  test('the kinds are there, a relay is not: exit code 1, and the way to it', async () => {
    const { code, stdout, stderr } = await runCommand(['doctor', '--kubeconfig', server.kubeconfig]);
    assert.equal(stderr, '');
    assert.equal(code, 1);
    assert.match(stdout, /^ok {7}api-server +https:\/\/127\.0\.0\.1:\d+, Kubernetes v/);
    assert.match(stdout, /^ok +crds +imagerepositories\.image\.toolkit\.fluxcd\.io: v1, v1beta2, v1beta1$/m);
    assert.match(stdout, /^FAILED +relay +no relay is installed: .*\n +-> helm install it/m);
    assert.match(stdout, /^skipped +functions /m);
    assert.match(stdout, /^ok +controllers +nobody else/m);
    assert.match(stdout, /\n1 failed, 4 skipped\n$/);
  });

  test('-o json is one object with everything', async () => {
    const { code, stdout } = await runCommand(['doctor', '--kubeconfig', server.kubeconfig, '-o', 'json']);
    const report = JSON.parse(stdout) as { ok: boolean; release: string; findings: Finding[] };
    assert.deepEqual([code, report.ok, report.release], [1, false, RELEASE]);
    assert.ok(report.findings.filter(({ result }) => result === 'failed').every(({ advice }) => advice));
  });
});

describe('no cluster to look at', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longshore-doctor-'));
  });
  after(() => rm(folder, { recursive: true }));

  const kubeconfigTo = async (url: string) => {
    const file = join(folder, 'kubeconfig');
    const config = {
      clusters: [{ name: 'a', cluster: { server: url } }],
      users: [{ name: 'a', user: { token: 'canary-token' } }],
      contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
      'current-context': 'a',
    };
    await writeFile(file, JSON.stringify(config));
    return file;
  };

  test('there is no kubeconfig', async () => {
    const { code, stdout } = await runCommand(['doctor', '--kubeconfig', join(folder, 'none')]);
    assert.equal(code, 1);
    assert.match(stdout, /^FAILED +api-server +kubeconfig \S+none: .*\n +-> .*--kubeconfig/);
    assert.match(stdout, /1 failed, 7 skipped\n$/);
  });

  test('nobody answers', async () => {
    const file = await kubeconfigTo('http://127.0.0.1:9');
    const { code, stdout } = await runCommand(['doctor', '--kubeconfig', file]);
    assert.equal(code, 1);
    assert.match(stdout, /^FAILED +api-server +.*127\.0\.0\.1:9.*\n +-> is the address right/);
    assert.doesNotMatch(stdout, /canary/);
  });

  test('the credentials are refused', async () => {
    const server = createServer((_, response) => response.writeHead(401).end('{"message":"Unauthorized"}'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const file = await kubeconfigTo(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      const { code, stdout } = await runCommand(['doctor', '--kubeconfig', file]);
      assert.equal(code, 1);
      assert.match(
        stdout,
        /^FAILED +api-server +http:\/\/127\.0\.0\.1:\d+ does not know you\n +-> log in again/,
      );
    } finally {
      server.close();
    }
  });

  test('a command line that cannot be meant', async () => {
    for (const args of [['-o', 'yaml'], ['--wait'], ['here']]) {
      const { code, stderr } = await runCommand(['doctor', ...args]);
      assert.equal(code, 2);
      assert.match(stderr, /--help/);
    }
  });
});

for (const [aheadSeconds, text] of [
  [-300, /the clock of this machine is 300 s ahead of the API server's/],
  [300, /the clock of this machine is 300 s behind the API server's/],
  [30, undefined],
] as const) {
  test(`an API server whose clock is ${aheadSeconds} s ahead`, async () => {
    const clock = createManualClock(Date.parse('2026-11-21T12:00:00Z'));
    const headers = { date: new Date(clock.now() + aheadSeconds * 1000).toUTCString() };
    const body = Buffer.from('{"gitVersion":"v1.36.3"}');
    const request = async () => ({ status: 200, headers, body });
    const visit = visitOf({ clock, transport: { request } as unknown as KubeTransport });
    const [first, second] = await checkApiServer(visit, signal);
    assert.equal(first!.text, 'https://api.example, Kubernetes v1.36.3');
    assert.equal(visit.serverAheadMs, aheadSeconds * 1000);
    if (!text) assert.equal(second, undefined);
    else {
      assert.equal(second!.result, 'warning');
      assert.match(second!.text, text);
    }
  });
}

describe('who leads', () => {
  /** A Lease as it is found, time after time: the last one stays. */
  async function checkLease(...leases: (object | undefined)[]): Promise<Finding> {
    const clock = createManualClock(Date.parse('2026-11-21T12:00:00Z'));
    let at = 0;
    const get = async () => leases[Math.min(at++, leases.length - 1)];
    const visit = visitOf({ clock, kube: { get } as unknown as KubeClient, installation: INSTALLATION });
    const answer = checkRelay(visit, signal);
    const ended = answer.then(() => true);
    while (!(await Promise.race([ended, new Promise((resolve) => setImmediate(resolve, false))]))) {
      clock.advance(500);
    }
    return (await answer).at(-1)!;
  }
  const lease = (resourceVersion: string, renewTime: string, holderIdentity = 'pod-1') => ({
    metadata: { resourceVersion },
    spec: { holderIdentity, renewTime },
  });

  for (const [name, leases, result, text] of [
    ['renewed lately', [lease('1', '2026-11-21T11:59:58.5Z')], 'ok', /^pod-1 leads$/],
    [
      'nobody ever',
      [undefined],
      'failed',
      /^nobody has ever led: there is no Lease system\/longshore-relay$/,
    ],
    ['given back', [lease('1', '2026-11-21T11:59:59Z', '')], 'failed', /^nobody leads: .* has no holder$/],
    ['dead', [lease('1', '2026-11-21T11:50:00Z')], 'failed', /^pod-1 holds .* not renewed it for 6 s$/],
    [
      'renewed while we look',
      [lease('1', '2026-11-21T11:59:50Z'), lease('2', '2026-11-21T12:00:01Z')],
      'ok',
      /^pod-1 leads$/,
    ],
    [
      'another one takes over while we look',
      [lease('1', '2026-11-21T11:59:00Z'), lease('2', '2026-11-21T12:00:01Z', 'pod-2')],
      'ok',
      /^pod-2 leads$/,
    ],
    [
      'a clock that is wrong',
      [lease('1', '2026-11-21T11:00:00Z'), lease('2', '2026-11-21T11:00:02Z')],
      'warning',
      /^the clock of pod-1, which leads, is 35\d\d s behind the API server's$/,
    ],
  ] as const) {
    test(name, async () => {
      const found = await checkLease(...leases);
      assert.equal(found.result, result, found.text);
      assert.match(found.text, text);
      assert.equal(found.advice === undefined, result === 'ok');
    });
  }
});

/** A Lambda that gives every function the same answer. */
async function askLambda(
  answer: { status?: number; type?: string; functionError?: boolean; body: object },
  flags: string[] = [],
): Promise<Finding[]> {
  const server = createServer((_, response) => {
    if (answer.type) response.setHeader('x-amzn-errortype', answer.type);
    if (answer.functionError) response.setHeader('x-amz-function-error', 'Unhandled');
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const settings = readSettings('relay', [`--lambda-endpoint=${url}`, '--eks-cluster=main', ...flags], {});
  const installation = { ...INSTALLATION, settings };
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' });
  try {
    return await checkFunctions(visitOf({ installation }), signal);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('what a function or its cloud refuses, and what to do', () => {
  const WELL = { contract: 1, release: RELEASE, kinds: [], found: [] };
  const foundAnswer = (about: string, text: string) => ({
    body: { ...WELL, found: [{ about, ok: false, text }] },
  });
  const refusal = (status: number, type: string, message: string) => ({ status, type, body: { message } });
  const rows: [name: string, answer: Parameters<typeof askLambda>[0], text: RegExp, advice: RegExp][] = [
    [
      'no right to call it',
      refusal(403, 'AccessDeniedException', 'not authorized to perform: lambda:InvokeFunction'),
      /not authorized/,
      /the relay needs the same right/,
    ],
    [
      'credentials of nobody',
      refusal(403, 'UnrecognizedClientException', 'The security token is invalid.'),
      /security token is invalid/,
      /right account/,
    ],
    [
      'a clock that is wrong',
      refusal(403, 'InvalidSignatureException', 'Signature expired: 2026'),
      /Signature expired/,
      /clock of this machine/,
    ],
    [
      'a function without its settings',
      {
        functionError: true,
        body: { errorType: 'SettingsError', errorMessage: 'ARTIFACT_BASE_URL: is not set' },
      },
      /ARTIFACT_BASE_URL: is not set/,
      /CloudWatch/,
    ],
    [
      'a function of a release that knows no checks',
      { functionError: true, body: { errorMessage: 'the batch does not follow contract 1: requests' } },
      /does not follow contract/,
      /older release/,
    ],
    [
      'a function of another product',
      { body: { hello: 'world' } },
      /answered something else/,
      /npm run deploy/,
    ],
    [
      'a release too far away',
      { body: { ...WELL, release: '9.0.0' } },
      /function image-repository is release 9\.0\.0/,
      /upgrade the older side/,
    ],
    [
      'a role without an access entry, or a token for another cluster',
      foundAnswer('cluster', 'create selfsubjectreviews: Unauthorized'),
      /does not reach the cluster: .*Unauthorized/,
      /deploy with --cluster main/,
    ],
    [
      'a private API server',
      foundAnswer('cluster', 'no answer within 10 s'),
      /no answer within 10 s/,
      /subnet-ids and security-group-ids/,
    ],
    [
      'a bucket that is not there',
      foundAnswer('store', "cannot read object 'a' in bucket 'b': NoSuchBucket: no"),
      /NoSuchBucket/,
      /StorageBucket/,
    ],
    [
      'a role for another cluster id',
      foundAnswer('store', "cannot write object 'a' in bucket 'b': AccessDenied: no"),
      /AccessDenied/,
      /cluster-id and storage-prefix/,
    ],
  ];
  for (const [name, answer, text, advice] of rows) {
    test(name, async () => {
      const findings = (await askLambda(answer)).filter(({ result }) => result !== 'ok');
      assert.equal(findings.length, 1, JSON.stringify(findings));
      assert.equal(findings[0]!.result, 'failed');
      assert.match(findings[0]!.text, text);
      assert.match(findings[0]!.advice ?? '', advice);
    });
  }
});
