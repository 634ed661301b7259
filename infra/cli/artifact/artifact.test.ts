import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { filesOf, pathsIn, tarOf } from '../../../shared/artifact/test-layer.ts';
import { sha256Of } from '../../local/registry/digest.ts';
import { type LocalRegistry, startRegistry } from '../../local/registry/registry.ts';
import { runCommand } from '../test-run.ts';

const CONTENT = 'application/vnd.cncf.flux.content.v1.tar+gzip';
const LAYER = gzipSync(
  tarOf([
    ...filesOf({ 'deploy/app.yaml': 'kind: App\n', 'deploy/logo.png': 'png', 'README.md': 'read' }),
    { path: 'latest', type: 'SymbolicLink', linkpath: 'deploy' },
  ]),
);

let folder: string;
let file: string;
let registry: LocalRegistry;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-artifact-'));
  file = join(folder, 'out/artifact.tar.gz');
  registry = await startRegistry({
    port: 0,
    auth: {
      scheme: 'basic',
      users: { robot: 'correct-horse' },
      allow: ({ user, repository }) => user === 'robot' || !repository.startsWith('private/'),
    },
  });
  const layers = [{ mediaType: CONTENT, data: LAYER }];
  const annotations = { 'org.opencontainers.image.revision': 'main@sha1:7f2c' };
  await registry.push('apps/web', ['1.0.0', '1.2.0', 'latest'], { layers, annotations });
  await registry.push('private/web', ['latest'], { layers });
  const text = { mediaType: 'text/plain', data: 'no archive, but long enough to be one' };
  await registry.push('apps/mixed', ['latest'], { layers: [text, ...layers] });
  await registry.push('apps/none', ['latest']);
});
after(async () => {
  await registry.close();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  await rm(join(folder, 'out'), { recursive: true, force: true });
  await mkdir(join(folder, 'out'));
});

/** Runs `longshore artifact pull` for a repository of the registry; `input` is standard input. */
function pull(repository: string, args: string[] = [], input?: string) {
  const url = `oci://${registry.host}/${repository}`;
  return runCommand(['artifact', 'pull', url, '--insecure', '-o', file, ...args], input);
}

async function written(): Promise<string[]> {
  return pathsIn(gunzipSync(await readFile(file)));
}

describe('what it writes and tells', () => {
  it('the artifact, its revision, digest and size, and what is left out', async () => {
    const { code, stdout, stderr } = await pull('apps/web', ['--tag', '1.0.0']);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    const bytes = await readFile(file);
    const { digest } = await registry.push('apps/other', ['x'], {
      layers: [{ mediaType: CONTENT, data: LAYER }],
      annotations: { 'org.opencontainers.image.revision': 'main@sha1:7f2c' },
    });
    assert.deepEqual(stdout.split('\n'), [
      `Revision:  1.0.0@${digest}`,
      `Layer:     [0] ${CONTENT} (extract)`,
      `Digest:    ${sha256Of(bytes)}`,
      `Size:      ${bytes.length} bytes`,
      'Metadata:  org.opencontainers.image.revision: main@sha1:7f2c',
      `File:      ${file}`,
      'Left out:  1 path by the ignore rules, 1 symbolic link',
      '  latest',
      '  deploy/logo.png',
      '',
    ]);
    assert.deepEqual(await written(), ['.', 'README.md', 'deploy', 'deploy/app.yaml']);
    assert.deepEqual(await readdir(join(folder, 'out')), ['artifact.tar.gz']);
  });

  it('a version of a range, a digest, the tag latest', async () => {
    const revisions: string[] = [];
    for (const args of [['--semver', '1.x'], ['--semver', '*', '--semver-filter', '\\.0\\.0$'], []]) {
      const { stdout } = await pull('apps/web', args);
      revisions.push(/^Revision: {2}(.*)$/m.exec(stdout)![1]!);
    }
    const digest = revisions[0]!.split('@')[1]!;
    assert.deepEqual(revisions, [`1.2.0@${digest}`, `1.0.0@${digest}`, `latest@${digest}`]);
    assert.match(
      (await pull('apps/web', ['--digest', digest])).stdout,
      new RegExp(`^Revision: {2}${digest}$`, 'm'),
    );
  });

  it('the layer as it is', async () => {
    const { code, stdout } = await pull('apps/web', ['--operation', 'copy']);
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^Digest: {4}${sha256Of(LAYER)}$`, 'm'));
    assert.doesNotMatch(stdout, /Left out/);
    assert.deepEqual(await readFile(file), LAYER);
  });

  it('what own rules leave of it', async () => {
    const rules = join(folder, 'rules');
    await writeFile(rules, '/*\n!/deploy\n');
    await pull('apps/web', ['--ignore', rules]);
    assert.deepEqual(await written(), ['.', 'deploy', 'deploy/app.yaml', 'deploy/logo.png']);
    const { stdout } = await pull('apps/web', ['--ignore', '-'], '!nothing');
    assert.match(stdout, /^Left out: {2}1 symbolic link$/m);
  });

  it('the layer of a media type', async () => {
    assert.equal((await pull('apps/mixed', ['--layer', CONTENT])).code, 0);
    assert.deepEqual(await written(), ['.', 'README.md', 'deploy', 'deploy/app.yaml']);
  });

  it('with a login', async () => {
    const login = ['--username', 'robot', '--password-stdin'];
    assert.equal((await pull('private/web', login, 'correct-horse\n')).code, 0);
    const { code, stderr } = await pull('private/web', login, 'wrong-battery\n');
    assert.equal(code, 4);
    assert.match(stderr, /^longshore artifact: failed to determine artifact digest: .*401.*\n$/);
    assert.doesNotMatch(stderr, /wrong-battery|cm9ib3Q6/);
  });
});

describe('a failure leaves the file as it was', () => {
  const rows: [repository: string, args: string[], code: number, message: RegExp][] = [
    ['apps/web', ['--tag', '9'], 4, /failed to determine artifact digest: couldn't find tag "9"/],
    [
      'apps/web',
      ['--semver', '>=9'],
      3,
      /failed to determine the artifact tag .*: no match found for semver: >=9/,
    ],
    ['apps/web', ['--semver', 'x y'], 3, /semver 'x y' parse error/],
    ['apps/web', ['--digest', `sha256:${'0'.repeat(64)}`], 4, /failed to pull artifact from 'oci:.*404/],
    ['apps/web', ['--layer', 'text/x'], 3, /failed to find layer with media type 'text\/x' in artifact/],
    ['apps/none', [], 3, /no layers found in artifact/],
    [
      'apps/mixed',
      [],
      3,
      /failed to extract layer contents .*requires gzip-compressed body .*layers in artifact: \[0\] text\/plain, \[1\] application/,
    ],
  ];
  for (const [repository, args, code, message] of rows) {
    it(`${repository} ${args.join(' ')}: exit code ${code}`, async () => {
      await writeFile(file, 'before');
      const ended = await pull(repository, args);
      assert.deepEqual([ended.code, ended.stdout], [code, ''], ended.stderr);
      assert.match(ended.stderr, message);
      assert.equal(ended.stderr.split('\n').length, 2, 'one line');
      assert.equal(await readFile(file, 'utf8'), 'before');
    });
  }

  it('a folder that is not there: exit code 1', async () => {
    await rm(join(folder, 'out'), { recursive: true });
    const { code, stderr } = await pull('apps/web');
    assert.deepEqual(
      { code, stderr },
      {
        code: 1,
        stderr: `longshore artifact: cannot write ${file}: no such file or directory\n`,
      },
    );
  });

  it('an interruption: exit code 1, nothing half written', async () => {
    const stop = new AbortController();
    const before = registry.requests.count('GET', /blobs/);
    registry.faults.add({ path: /blobs/, times: 1, delayMs: 60_000 });
    const url = `oci://${registry.host}/apps/web`;
    const ended = runCommand(['artifact', 'pull', url, '--insecure', '-o', file], '', stop.signal);
    while (registry.requests.count('GET', /blobs/) === before) await nextTurn();
    stop.abort();
    assert.deepEqual(await ended, { code: 1, stdout: '', stderr: 'longshore artifact: interrupted\n' });
    assert.deepEqual(await readdir(join(folder, 'out')), []);
  });
});

describe('the command line', () => {
  const rows: [args: string, message: string][] = [
    ['', 'expected pull'],
    ['push oci://a/b', "expected pull, not 'push'"],
    ['pull', 'the address is missing: give oci://HOST/REPOSITORY'],
    ['pull oci://a.example/b', '-o FILE is missing: where the artifact goes'],
    ['pull oci://a.example/b more -o x', "Unexpected argument 'more'"],
    ['pull oci://a.example/b --bogus', "Unknown option '--bogus'"],
    ['pull oci://a.example/b -o x --tag 1 --digest 2', '--tag and --digest exclude each other'],
    ['pull oci://a.example/b -o x --semver-filter 1', '--semver-filter needs --semver'],
    ['pull oci://a.example/b -o x --operation move', "--operation: expected extract or copy (got 'move')"],
    [
      'pull oci://a.example/b -o x --operation copy --ignore y',
      '--ignore does not go with --operation copy: the layer stays as it is',
    ],
    ['pull oci://a.example/b -o x --username u', '--username needs --password-stdin'],
    ['pull oci://a.example/b -o x --password-stdin', '--password-stdin needs --username'],
    [
      'pull oci://a.example/b -o x --username u --password-stdin --ignore -',
      '--ignore - and --password-stdin cannot both read standard input',
    ],
    ['pull oci://a.example/b -o x --ignore /none/such', '/none/such: no such file or directory'],
    [
      'pull ghcr.io/a/b -o x',
      "URL validation failed for 'ghcr.io/a/b': URL must be in format 'oci://<domain>/<org>/<repo>'",
    ],
  ];
  for (const [args, message] of rows) {
    it(`'${args}': ${message}`, async () => {
      const ended = await runCommand(['artifact', ...args.split(' ').filter((arg) => arg !== '')]);
      const stderr = `longshore artifact: ${message}\nRun 'longshore artifact --help' for its flags.\n`;
      assert.deepEqual(ended, { code: 2, stdout: '', stderr });
    });
  }

  it('a timeout that is none is told', async () => {
    const ended = await runCommand(['artifact', 'pull', 'oci://a.example/b', '-o', 'x', '--timeout', 'soon']);
    assert.equal(ended.code, 2);
    assert.match(ended.stderr, /^longshore artifact: --timeout: /);
  });

  it('has a help', async () => {
    const { code, stdout } = await runCommand(['artifact', '--help']);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^Usage: longshore artifact pull oci:[\s\S]*--semver RANGE[\s\S]*-o, --output FILE[\s\S]*Exit code: 0/,
    );
  });
});
