import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { createManualClock } from '../../shared/runtime/manual-clock.ts';
import { readSettings } from '../../shared/runtime/settings.ts';
import { scriptedClient } from '../../test/parts/scripted-client.ts';
import { createClusterAccess, ownNamespace } from './cluster-access.ts';

const ENDPOINT = { server: 'https://10.0.0.1:443', ca: 'INNER', token: 'of-the-relay' };
const NEVER = new AbortController().signal;

/** The access under these flags; every token is named after the account that it was minted for. */
function accessWith(args: string[]) {
  const clock = createManualClock();
  const minted = ({ name }: { name?: string }) => ({
    status: {
      token: `token-of-${name}`,
      expirationTimestamp: new Date(clock.now() + 3_600_000).toISOString(),
    },
  });
  const { kube, calls } = scriptedClient(...Array.from({ length: 4 }, () => minted));
  const settings = readSettings('relay', args, {});
  const access = createClusterAccess({ kube, endpoint: ENDPOINT, namespace: 'here', settings, clock }, NEVER);
  return { access, calls, clock };
}

test('a token for each function, of its own account, renewed before it ends', async () => {
  const { access, calls, clock } = accessWith(['--functions-service-account-prefix=x-']);
  const scan = { provider: 'token', server: ENDPOINT.server, caData: 'INNER', token: 'token-of-x-scan' };
  assert.deepEqual(await access('scan'), scan);
  assert.deepEqual(await access('scan'), scan);
  assert.deepEqual(await access('policy'), { ...scan, token: 'token-of-x-policy' });
  assert.equal(calls.length, 2);
  clock.advance(2_900_000);
  await access('scan');
  assert.equal(calls.length, 3, 'a fifth of its life is left');
});

test('EKS: the name of the cluster and no token at all', async () => {
  const { access, calls } = accessWith(['--eks-cluster=main', '--functions-api-server=https://x.eks.test']);
  const expected = { provider: 'eks', server: 'https://x.eks.test', caData: 'INNER', cluster: 'main' };
  assert.deepEqual(await access('scan'), expected);
  assert.equal(calls.length, 0);
});

test('an address of its own, with an authority of its own, or one that everybody trusts', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'longshore-ca-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = path.join(folder, 'ca.pem');
  await writeFile(file, 'OUTER');
  const server = '--functions-api-server=https://api.test:6443';
  const outer = await accessWith([server, `--functions-api-ca-file=${file}`]).access('scan');
  assert.deepEqual(
    [outer.provider !== 'kubeconfig' && outer.server, 'caData' in outer && outer.caData],
    ['https://api.test:6443', 'OUTER'],
  );
  const open = await accessWith([server, '--functions-api-ca-file=system']).access('scan');
  assert.ok(!('caData' in open));
  assert.throws(
    () => accessWith([`--functions-api-ca-file=${folder}/none`]),
    /^Error: --functions-api-ca-file: /,
  );
});

test('the namespace of the pod, and the default of the chart outside of one', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'longshore-pod-'));
  t.after(() => rm(folder, { recursive: true }));
  assert.equal(ownNamespace(folder), 'longshore-system');
  await writeFile(path.join(folder, 'namespace'), 'flux-system\n');
  assert.equal(ownNamespace(folder), 'flux-system');
});
