/** What other programs pack and unpack: the system's tar, and oras. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { startRegistry } from '../../infra/local/registry/registry.ts';
import { needs, part } from '../../test/parts/parts.ts';
import { MIB, noise, produce, refuses } from './test-layer.ts';

const LONG = `${'very-long-folder/'.repeat(12)}${'n'.repeat(120)}.yaml`;
const FILES: Record<string, string> = {
  'app.yaml': 'kind: App\n',
  'deploy/Ünïcode-漢字-\u{1f600}.yaml': 'kind: Name\n',
  'deploy/base/run.sh': '#!/bin/sh\n',
  [LONG]: 'deep\n',
  empty: '',
};

/** Other tars have other flags. */
function gnuTar(): { skip: string | false } {
  const { skip } = needs('tar', 'zstd');
  const isGnu = !skip && execFileSync(part('tar')!, ['--version'], { encoding: 'utf8' }).includes('GNU tar');
  return { skip: skip || (!isGnu && 'needs GNU tar') };
}

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-programs-'));
  for (const [path, content] of Object.entries(FILES)) {
    await mkdir(join(folder, 'tree', path, '..'), { recursive: true });
    await writeFile(join(folder, 'tree', path), content);
  }
  await writeFile(join(folder, 'tree/large.bin'), noise(3 * MIB));
  await chmod(join(folder, 'tree/deploy/base/run.sh'), 0o755);
  await mkdir(join(folder, 'tree/nothing'));
  await link(join(folder, 'tree/app.yaml'), join(folder, 'tree/linked.yaml'));
  await symlink('app.yaml', join(folder, 'tree/pointer.yaml'));
});
after(() => rm(folder, { recursive: true }));

async function run(program: string, args: string[], cwd = folder): Promise<string> {
  const { stdout } = await promisify(execFile)(part(program)!, args, { cwd, encoding: 'utf8' });
  return stdout;
}

/** Every file below a folder: its content as latin-1, and whether it may be executed. */
async function filesBelow(root: string): Promise<Record<string, { content: string; executable: boolean }>> {
  const found: Record<string, { content: string; executable: boolean }> = {};
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const executable = ((await stat(path)).mode & 0o111) !== 0;
    found[path.slice(root.length + 1)] = { content: await readFile(path, 'latin1'), executable };
  }
  return found;
}

/** Unpacks an artifact with the system's tar. */
async function unpack(artifact: Buffer, name: string): Promise<string> {
  const target = join(folder, name);
  await mkdir(target);
  await writeFile(`${target}.tar.gz`, artifact);
  await run('tar', ['-xzf', `${target}.tar.gz`, '-C', target]);
  return target;
}

describe('layers of tar', gnuTar(), () => {
  for (const format of ['gnu', 'pax', 'posix', 'oldgnu']) {
    for (const compression of ['', '--gzip', '--zstd']) {
      test(`format ${format} ${compression}: the same tree comes out`, async () => {
        const name = `${format}${compression}`;
        const flags = [`--format=${format}`, ...(compression ? [compression] : [])];
        await run('tar', [...flags, '-cf', join(folder, `${name}.tar`), '-C', 'tree', '.']);
        const { file, leftOut } = await produce(await readFile(join(folder, `${name}.tar`)));
        assert.deepEqual(leftOut.paths, ['pointer.yaml']);
        const target = await unpack(file, `out-${name}`);
        assert.deepEqual(await filesBelow(target), await filesBelow(join(folder, 'tree')));
        assert.ok((await stat(join(target, 'nothing'))).isDirectory());
      });
    }
  }

  test('every format gives the same artifact', async () => {
    const digests = new Set<string>();
    for (const format of ['gnu', 'pax']) {
      for (const order of ['name', 'none']) {
        const file = join(folder, 'order.tar');
        await run('tar', [`--format=${format}`, `--sort=${order}`, '-cf', file, '-C', 'tree', '.']);
        digests.add((await produce(await readFile(file))).sha256);
      }
    }
    assert.equal(digests.size, 1);
  });

  for (const format of ['gnu', 'pax']) {
    test(`a sparse file, format ${format}, is refused and never a file of other content`, async () => {
      await mkdir(join(folder, `sparse-${format}`));
      await run('sh', [
        '-c',
        `truncate -s 1M sparse-${format}/holes && printf end >> sparse-${format}/holes`,
      ]);
      const file = join(folder, `sparse-${format}.tar`);
      await run('tar', [`--format=${format}`, '--sparse', '-cf', file, `sparse-${format}`]);
      const code = format === 'gnu' ? 'entry' : 'malformed';
      await refuses(await readFile(file), code, /SparseFile|sparse files are not supported/);
    });
  }
});

describe('layers of oras', needs('oras', 'tar'), () => {
  test('a pushed folder unpacks to the same files', async (t) => {
    const registry = await startRegistry({ port: 0 });
    t.after(() => registry.close());
    const reference = `${registry.host}/apps/tree:1`;
    const media = 'application/vnd.cncf.flux.content.v1.tar+gzip';
    await run('oras', ['push', '--plain-http', reference, `tree:${media}`]);
    const manifest = await fetch(`http://${registry.host}/v2/apps/tree/manifests/1`, {
      headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
    });
    const { layers } = (await manifest.json()) as {
      layers: { mediaType: string; digest: string; size: number }[];
    };
    const [{ mediaType, digest, size }] = layers as [(typeof layers)[0]];
    assert.equal(mediaType, media);
    const blob = await fetch(`http://${registry.host}/v2/apps/tree/blobs/${digest}`);
    const { file } = await produce(Buffer.from(await blob.arrayBuffer()), { size });
    const target = await unpack(file, 'out-oras');
    assert.deepEqual(await filesBelow(join(target, 'tree')), await filesBelow(join(folder, 'tree')));
  });
});
