/** `longshore.mjs`, as a shell starts it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';

const ROOT = join(import.meta.dirname, '../..');

interface Ended {
  code: number | string | null | undefined;
  stdout: string;
  stderr: string;
}

function launch(launcher: string, args: string[], nodeArgs: string[] = []): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [...nodeArgs, launcher, ...args], (error, stdout, stderr) => {
      resolve({ code: error ? error.code : 0, stdout, stderr });
    });
  });
}

/** Makes the process believe that it is an older Node. */
function pretend(version: string): string[] {
  const code = `Object.defineProperty(process,'versions',{value:{...process.versions,node:'${version}'}})`;
  return ['--import', `data:text/javascript,${encodeURIComponent(code)}`];
}

/** The launcher and what it imports alone in a folder, with a command line that tells which Node runs it. */
async function bareCheckout(t: TestContext, options: { pinned?: boolean } = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-launcher-'));
  t.after(() => rm(folder, { recursive: true }));
  await copyFile(join(ROOT, 'longshore.mjs'), join(folder, 'longshore.mjs'));
  const parts = join(folder, 'infra/cli');
  await mkdir(parts, { recursive: true });
  for (const name of (await readdir(import.meta.dirname)).filter((file) => file.endsWith('.mjs'))) {
    await copyFile(join(import.meta.dirname, name), join(parts, name));
  }
  const main = 'process.stdout.write(process.versions.node); process.exitCode = Number(process.argv[2]);';
  await writeFile(join(folder, 'infra/cli/main.ts'), main);
  if (options.pinned) {
    const platform = process.platform === 'win32' ? 'win' : process.platform;
    const bin = join(folder, `node_modules/node-${platform}-${process.arch}/bin`);
    await mkdir(bin, { recursive: true });
    await symlink(process.execPath, join(bin, process.platform === 'win32' ? 'node.exe' : 'node'));
  }
  return join(folder, 'longshore.mjs');
}

test('it starts the command line, and ends with its exit code', async () => {
  const launcher = join(ROOT, 'longshore.mjs');
  const version = await launch(launcher, ['--version']);
  assert.equal(version.code, 0);
  assert.match(version.stdout, /^longshore /);
  const unknown = await launch(launcher, ['dance']);
  assert.equal(unknown.code, 2);
  assert.equal(unknown.stdout, '');
  assert.match(unknown.stderr, /^longshore: unknown command 'dance'\n/);
});

for (const [running, pinned, expected] of [
  ['24.0.0', false, '24.0.0'],
  ['24.0.0', true, '24.0.0'],
  ['22.18.0', false, '22.18.0'],
  ['23.6.0', false, '23.6.0'],
  ['20.19.0', true, process.versions.node],
  ['22.18.0', true, process.versions.node],
] as const) {
  test(`on Node ${running}, ${pinned ? 'with' : 'without'} the pinned one: Node ${expected} runs`, async (t) => {
    const launcher = await bareCheckout(t, { pinned });
    const { code, stdout, stderr } = await launch(launcher, ['3'], pretend(running));
    assert.deepEqual({ code, stdout, stderr }, { code: 3, stdout: expected, stderr: '' });
  });
}

for (const running of ['18.20.0', '22.17.1', '23.5.0']) {
  test(`on Node ${running} alone there is one clear line`, async (t) => {
    const launcher = await bareCheckout(t);
    const { code, stdout, stderr } = await launch(launcher, [], pretend(running));
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(
      stderr,
      /^longshore: Node [\d.]+ cannot run this: run 'npm ci' in .*, or use Node 22\.18 or later\n$/,
    );
  });
}

test('without its packages there is one clear line, too', async (t) => {
  const launcher = await bareCheckout(t);
  await writeFile(join(launcher, '../infra/cli/main.ts'), "import 'a-package-that-is-not-there';");
  const { code, stderr } = await launch(launcher, []);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^longshore: Cannot find package 'a-package-that-is-not-there'.*: run 'npm ci' in [^\n]*\n$/,
  );
});
