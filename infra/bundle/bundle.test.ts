import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Bundle, bundleFunction } from './bundle.ts';
import { measureImport, staticPart } from './cold-start.ts';

let folder: string;
let bundle: Bundle;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-bundle-'));
  bundle = await bundleSource(`
    import http from 'node:http';
    import { leave } from './early.ts';
    export const handler = async (): Promise<unknown> => [http.Agent, leave, (await import('./late.ts')).late];
  `);
});

after(() => rm(folder, { recursive: true }));

async function bundleSource(source: string): Promise<Bundle> {
  await writeFile(join(folder, 'handler.ts'), source);
  await writeFile(join(folder, 'early.ts'), `export const leave = 'early';`);
  await writeFile(join(folder, 'late.ts'), `export const late = '${'late'.repeat(1000)}';`);
  return bundleFunction({ entry: join(folder, 'handler.ts') });
}

test('what is imported lazily is a chunk of its own and does not count for the cold start', () => {
  const late = [...bundle.files.keys()].filter((path) => /^chunks\/late-[A-Z0-9]+\.mjs$/.test(path));
  assert.equal(late.length, 1);
  const { bytes } = staticPart(bundle.outputs);
  assert.ok(bytes < 2000, `${bytes} bytes`);
});

test('equal sources give equal files', async () => {
  const source = 'export const handler = 1;';
  assert.deepEqual((await bundleSource(source)).files, (await bundleSource(source)).files);
});

test('node:http comes without what an import of it would load', () => {
  const code = Buffer.from(bundle.files.get('handler.mjs')!).toString();
  assert.match(code, /getBuiltinModule\(["'`]node:http["'`]\)/);
  assert.doesNotMatch(code, /from ?["']node:http["']/);
});

test('of a module of Node only the names are read that are used', async () => {
  const { files } = await bundleSource(`
    import { inspect } from 'node:util';
    export const handler = () => inspect(1);
  `);
  const code = Buffer.from(files.get('handler.mjs')!).toString();
  assert.match(code, /\.inspect\b/);
  assert.doesNotMatch(code, /TextDecoder|getOwnPropertyNames/);
});

test('a module of Node that several chunks use is none of its own', async () => {
  await writeFile(join(folder, 'also.ts'), `import http from 'node:http'; export const also = http.METHODS;`);
  const { outputs } = await bundleSource(`
    import http from 'node:http';
    export const handler = async () => [http.METHODS, (await import('./also.ts')).also];
  `);
  const names = Object.keys(outputs).map((path) => path.replace(/-[A-Z0-9]+\.mjs$/, ''));
  assert.deepEqual(names.sort(), ['chunks/also', 'handler.mjs']);
});

test('the time of an import is measured where nothing but the bundle is', async () => {
  const { files } = await bundleSource(`
    const before = process.threadCpuUsage();
    while (process.threadCpuUsage(before).user < 60_000);
    export const handler = 1;
  `);
  assert.ok((await measureImport(files, 1)) > 30);
});

test('a source that does not compile names file and line', async () => {
  await assert.rejects(
    bundleSource(`import 'no-such-package';`),
    /handler\.ts:1:7: ERROR: Could not resolve/,
  );
});

test('a source without a handler is refused', async () => {
  await assert.rejects(bundleSource('export const run = 1;'), /handler\.ts exports no handler$/);
});
