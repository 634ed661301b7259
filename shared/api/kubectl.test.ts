/** What people see of our kinds through kubectl: columns, names, explanations, refusals. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { before, test } from 'node:test';
import { promisify } from 'node:util';
import { columnsOf } from '../../test/api/kubectl.ts';
import { MERGE, overBothServers, repositories, repository } from '../../test/api/servers.ts';
import { part } from '../../test/parts/parts.ts';

const GROUP = 'image.toolkit.fluxcd.io';

const MANIFEST = `
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata:
  name: applied
spec:
  interval: 10m
  image: ghcr.io/stefanprodan/podinfo
`;

overBothServers('kubectl and ImageRepository', ['kubectl'], (server, ask) => {
  let namespace: string;

  const kubectl = async (args: string[], input = '') => {
    const all = ['--kubeconfig', server.kubeconfig, '--namespace', namespace, ...args];
    const running = promisify(execFile)(part('kubectl')!, all);
    running.child.stdin!.end(input);
    return running;
  };
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
    const { stdout } = await kubectl(['get', 'imgrepo', 'scanned']);
    assert.deepEqual(columnsOf(stdout), ['NAME', 'IMAGE', 'TAGS', 'READY', 'STATUS', 'AGE']);
    assert.match(rows(stdout)[0]!, /^scanned +ghcr\.io\/org\/app +3 +True +found 3 tags +\d+s$/);
  });

  test('get -o wide adds the last scan', async () => {
    const { stdout } = await kubectl(['get', 'imgrepo', 'scanned', '-o', 'wide']);
    assert.deepEqual(columnsOf(stdout), ['NAME', 'IMAGE', 'TAGS', 'READY', 'STATUS', 'LAST SCAN', 'AGE']);
    assert.match(rows(stdout)[0]!, / 2026-01-05T10:00:07Z /);
  });

  test('get of v1beta2 shows the same, and warns', async () => {
    const { stdout, stderr } = await kubectl(['get', `imagerepositories.v1beta2.${GROUP}`, 'scanned']);
    assert.deepEqual(columnsOf(stdout), ['NAME', 'IMAGE', 'TAGS', 'READY', 'STATUS', 'AGE']);
    assert.match(
      stderr,
      /Warning: image\.toolkit\.fluxcd\.io\/v1beta2 ImageRepository is deprecated, use v1/,
    );
  });

  test('get of v1beta1 shows the columns of its time, without a warning', async () => {
    const { stdout, stderr } = await kubectl(['get', `imagerepositories.v1beta1.${GROUP}`, 'scanned']);
    assert.deepEqual(columnsOf(stdout), ['NAME', 'LAST SCAN', 'TAGS']);
    assert.match(rows(stdout)[0]!, /^scanned +2026-01-05T10:00:07Z +3$/);
    assert.equal(stderr, '');
  });

  for (const name of [
    'imagerepository.image.toolkit.fluxcd.io',
    'imgrepo',
    'imagerepo',
    'all',
    'fluxcd',
    'fluxcd-images',
  ]) {
    test(`get ${name} finds it`, async () => {
      const { stdout } = await kubectl(['get', name, '-o', 'name']);
      assert.match(stdout, /imagerepository\.image\.toolkit\.fluxcd\.io\/scanned/);
    });
  }

  test('explain tells what a field is for', async () => {
    const spec = await kubectl(['explain', 'imgrepo.spec']);
    assert.match(spec.stdout, /interval\s+<string> -required-\s+Time between two scans/);
    const field = await kubectl(['explain', 'imgrepo.spec.provider']);
    assert.match(field.stdout, /ENUM:\s+generic\s+aws\s+azure\s+gcp/);
    assert.match(field.stdout, /Cloud whose login is used/);
  });

  test('what was applied is unchanged when it is applied again, defaults or not', async () => {
    const { stdout, stderr } = await kubectl(['apply', '-f', '-'], MANIFEST);
    assert.equal(stdout, `imagerepository.${GROUP}/applied created\n`);
    assert.equal(stderr, '');
    const again = await kubectl(['apply', '-f', '-'], MANIFEST);
    assert.equal(again.stdout, `imagerepository.${GROUP}/applied unchanged\n`);
  });

  test('a mistake is refused in words that name the field', async () => {
    const manifest = MANIFEST.replace('10m', '10').replace('applied', 'bad');
    await assert.rejects(kubectl(['apply', '-f', '-'], manifest), (error: Error & { stderr: string }) => {
      assert.match(error.stderr, /The ImageRepository "bad" is invalid:/);
      assert.match(error.stderr, /spec\.interval: Invalid value/);
      return true;
    });
  });

  test('a field that does not exist is refused by name', async () => {
    const manifest = MANIFEST.replace('interval:', 'intervall:');
    await assert.rejects(kubectl(['apply', '-f', '-'], manifest), /unknown field "spec\.intervall"/);
  });
});
