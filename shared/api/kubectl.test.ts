/** What people see of our kinds through kubectl: columns, names, explanations, and the founding documents' manifests. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { before, test } from 'node:test';
import { promisify } from 'node:util';
import { MERGE, overBothServers, repositories, repository } from '../../test/api/servers.ts';
import { part } from '../../test/parts/parts.ts';

const GROUP = 'image.toolkit.fluxcd.io';

/** The manifests of the documents, as they stand there but for the namespace. */
const DOCUMENTED = {
  'a private image, open to another namespace': `
apiVersion: image.toolkit.fluxcd.io/v1beta1
kind: ImageRepository
metadata:
  name: app1
spec:
  interval: 5m
  image: docker.io/org/image
  secretRef:
    name: regcred
  accessFrom:
    namespaceSelectors:
      - matchLabels:
          kubernetes.io/metadata.name: flux-system
`,
  'open to all namespaces': `
apiVersion: image.toolkit.fluxcd.io/v1beta1
kind: ImageRepository
metadata:
  name: open
spec:
  interval: 5m
  image: docker.io/org/image
  accessFrom:
    namespaceSelectors:
      - matchLabels: {}
`,
  'a public image every ten minutes': `
apiVersion: image.toolkit.fluxcd.io/v1beta1
kind: ImageRepository
metadata:
  name: podinfo
spec:
  interval: 10m
  image: ghcr.io/stefanprodan/podinfo
`,
  'a private image every minute': `
apiVersion: image.toolkit.fluxcd.io/v1beta1
kind: ImageRepository
metadata:
  name: private
spec:
  interval: 1m0s
  image: docker.io/org/image
  secretRef:
    name: regcred
`,
};

overBothServers('kubectl and ImageRepository', ['kubectl'], (server, ask) => {
  let namespace: string;

  const kubectl = async (args: string[], input = '') => {
    const all = ['--kubeconfig', server.kubeconfig, '--namespace', namespace, ...args];
    const running = promisify(execFile)(part('kubectl')!, all);
    running.child.stdin!.end(input);
    return running;
  };
  /** The words of the head line, whose names are set apart by at least two blanks. */
  const head = (table: string) => table.split('\n')[0]!.trim().split(/ {2,}/);
  const rows = (table: string) => table.trim().split('\n').slice(1);

  before(async () => {
    namespace = await server.createNamespace();
    const body = repository('scanned', { image: 'ghcr.io/org/app' });
    assert.equal((await ask(repositories(namespace), { method: 'POST', body })).status, 201);
    const condition = { type: 'Ready', status: 'True', reason: 'Succeeded', message: 'found 3 tags' };
    const scanTime = '2026-01-05T10:00:07Z';
    const status = {
      conditions: [{ ...condition, lastTransitionTime: scanTime }],
      lastScanResult: { tagCount: 3, scanTime },
    };
    const patched = await ask(`${repositories(namespace)}/scanned/status`, {
      method: 'PATCH',
      body: { status },
      contentType: MERGE,
    });
    assert.equal(patched.status, 200, JSON.stringify(patched.json));
  });

  test('get shows the columns of v1', async () => {
    const { stdout } = await kubectl(['get', 'imagerepositories', 'scanned']);
    assert.deepEqual(head(stdout), ['NAME', 'IMAGE', 'TAGS', 'READY', 'STATUS', 'AGE']);
    assert.match(rows(stdout)[0]!, /^scanned +ghcr\.io\/org\/app +3 +True +found 3 tags +\d+s$/);
  });

  test('get -o wide adds the last scan', async () => {
    const { stdout } = await kubectl(['get', 'imagerepositories', 'scanned', '-o', 'wide']);
    assert.deepEqual(head(stdout), ['NAME', 'IMAGE', 'TAGS', 'READY', 'STATUS', 'LAST SCAN', 'AGE']);
    assert.match(rows(stdout)[0]!, / 2026-01-05T10:00:07Z /);
  });

  test('get of v1beta2 shows the same, and warns', async () => {
    const { stdout, stderr } = await kubectl(['get', `imagerepositories.v1beta2.${GROUP}`, 'scanned']);
    assert.deepEqual(head(stdout), ['NAME', 'IMAGE', 'TAGS', 'READY', 'STATUS', 'AGE']);
    assert.match(
      stderr,
      /Warning: image\.toolkit\.fluxcd\.io\/v1beta2 ImageRepository is deprecated, use v1/,
    );
  });

  test('get of v1beta1 shows the columns of its time, without a warning', async () => {
    const { stdout, stderr } = await kubectl(['get', `imagerepositories.v1beta1.${GROUP}`, 'scanned']);
    assert.deepEqual(head(stdout), ['NAME', 'LAST SCAN', 'TAGS']);
    assert.match(rows(stdout)[0]!, /^scanned +2026-01-05T10:00:07Z +3$/);
    assert.equal(stderr, '');
  });

  for (const name of ['imagerepository', 'imgrepo', 'imagerepo', 'all', 'fluxcd', 'fluxcd-images']) {
    test(`get ${name} finds it`, async () => {
      const { stdout } = await kubectl(['get', name, '-o', 'name']);
      assert.match(stdout, /imagerepository\.image\.toolkit\.fluxcd\.io\/scanned/);
    });
  }

  test('explain tells what a field is for', async () => {
    const spec = await kubectl(['explain', 'imagerepository.spec']);
    assert.match(spec.stdout, /interval\s+<string> -required-\s+Time between two scans/);
    const field = await kubectl(['explain', 'imgrepo.spec.provider']);
    assert.match(field.stdout, /ENUM:\s+generic\s+aws\s+azure\s+gcp/);
    assert.match(field.stdout, /Cloud whose login is used/);
  });

  for (const [title, manifest] of Object.entries(DOCUMENTED)) {
    test(`apply takes the documented manifest: ${title}`, async () => {
      const name = /name: (\S+)/.exec(manifest)![1]!;
      const { stdout, stderr } = await kubectl(['apply', '-f', '-'], manifest);
      assert.equal(stdout, `imagerepository.${GROUP}/${name} created\n`);
      assert.equal(stderr, '');
      const again = await kubectl(['apply', '-f', '-'], manifest);
      assert.equal(again.stdout, `imagerepository.${GROUP}/${name} unchanged\n`);
    });
  }

  test('a mistake is refused in words that name the field', async () => {
    const manifest = DOCUMENTED['a public image every ten minutes']
      .replace('10m', '10')
      .replace('podinfo', 'bad');
    await assert.rejects(kubectl(['apply', '-f', '-'], manifest), (error: Error & { stderr: string }) => {
      assert.match(error.stderr, /The ImageRepository "bad" is invalid:/);
      assert.match(error.stderr, /spec\.interval: Invalid value/);
      return true;
    });
  });

  test('a field that does not exist is refused by name', async () => {
    const manifest = DOCUMENTED['a public image every ten minutes'].replace('interval:', 'intervall:');
    await assert.rejects(kubectl(['apply', '-f', '-'], manifest), /unknown field "spec\.intervall"/);
  });
});
