import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { RELEASE } from '../../shared/runtime/release.ts';
import { type Bundle, bundleFunction } from './bundle.ts';
import { writeFiles } from './cold-start.ts';
import { PROJECT_FOLDER } from './functions.ts';

interface Handler {
  lines(): string[];
  transport(): void;
  release: string;
}

let folder: string;
let bundle: Bundle;
let handler: Handler;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-bundle-'));
  const source = (path: string) => JSON.stringify(join(PROJECT_FOLDER, path));
  await writeFile(
    join(folder, 'handler.ts'),
    `import pino from ${source('node_modules/pino/pino.js')};
    import { createLogger } from ${source('shared/runtime/logger.ts')};
    import { RELEASE } from ${source('shared/runtime/release.ts')};
    const lines = () => {
      const written: string[] = [];
      createLogger('info', (line) => written.push(line)).child({ name: 'a' }).info('scanned', { tags: 3 });
      return written;
    };
    export const handler = { lines, release: RELEASE, transport: () => pino.transport({ target: 'x' }) };`,
  );
  bundle = await bundleFunction({ entry: join(folder, 'handler.ts') });
  await writeFiles(bundle.files, folder);
  ({ handler } = await import(pathToFileURL(join(folder, 'handler.mjs')).href));
});

after(() => rm(folder, { recursive: true }));

test('a bundled logger writes its lines without what was left out', () => {
  assert.match(
    handler.lines().join(),
    /^{"level":"info","ts":"[^"]+","name":"a","tags":3,"msg":"scanned"}\n$/,
  );
  const inputs = Object.values(bundle.outputs).flatMap((output) => Object.keys(output.inputs));
  assert.ok(inputs.some((path) => path.includes('sonic-boom')));
  for (const unused of ['thread-stream', '@pinojs/redact', 'worker_threads']) {
    assert.ok(!inputs.some((path) => path.includes(unused)), unused);
  }
});

test('what was left out says so when it is used', () => {
  assert.throws(() => handler.transport(), /pino\/lib\/transport\.js is left out of bundles/);
});

test('of our manifest only the version is in a bundle', () => {
  assert.equal(handler.release, RELEASE);
  for (const [path, content] of bundle.files) {
    assert.ok(!Buffer.from(content).includes('devDependencies'), path);
  }
});
