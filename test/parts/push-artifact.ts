/** Pushes artifacts with the programs that people use: `oras`, `skopeo`. */
import { execFile } from 'node:child_process';
import { hash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { part } from './parts.ts';

const run = promisify(execFile);

/** Media types of `flux push artifact`. */
export const FLUX_CONFIG = 'application/vnd.cncf.flux.config.v1+json';
export const FLUX_CONTENT = 'application/vnd.cncf.flux.content.v1.tar+gzip';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

export interface PushedArtifact {
  /** `127.0.0.1:PORT/path`, without a tag; plain HTTP. */
  repository: string;
  tag: string;
  layers: readonly { mediaType: string; body: Buffer }[];
  configType?: string;
  annotations?: Record<string, string>;
}

/** Pushes to a registry. @returns digest of the manifest, `sha256:…` */
export type PushArtifact = (artifact: PushedArtifact) => Promise<string>;

/** A tar.gz of text files, by their paths, as the system's `tar` makes it: with times, owners and folders. */
export async function packFiles(files: Record<string, string>): Promise<Buffer> {
  return await inFolder(async (folder) => {
    const tree = path.join(folder, 'tree');
    await writeFiles(tree, files);
    await run('tar', ['-czf', path.join(folder, 'layer.tar.gz'), '-C', tree, '.']);
    return await readFile(path.join(folder, 'layer.tar.gz'));
  });
}

/** Pushes with `oras`. */
export const pushWithOras: PushArtifact = ({ repository, tag, layers, configType, annotations = {} }) =>
  inFolder(async (folder) => {
    await writeFile(path.join(folder, 'config.json'), '{}');
    const files = layers.map(async ({ mediaType, body }, index) => {
      await writeFile(path.join(folder, `layer-${index}`), body);
      return `layer-${index}:${mediaType}`;
    });
    const args = [
      'push',
      '--plain-http',
      ...['--config', `config.json:${configType ?? FLUX_CONFIG}`],
      ...Object.entries(annotations).flatMap(([name, value]) => ['--annotation', `${name}=${value}`]),
      ...['--format', 'go-template={{.digest}}'],
      `${repository}:${tag}`,
      ...(await Promise.all(files)),
    ];
    const { stdout } = await run(part('oras')!, args, { cwd: folder });
    return stdout.trim();
  });

/** Pushes with `skopeo`, from a folder in the layout of OCI. */
export const pushWithSkopeo: PushArtifact = ({ repository, tag, layers, configType, annotations }) =>
  inFolder(async (folder) => {
    const blobs = path.join(folder, 'blobs/sha256');
    await mkdir(blobs, { recursive: true });
    const add = async (mediaType: string, body: Buffer) => {
      const hex = hash('sha256', body);
      await writeFile(path.join(blobs, hex), body);
      return { mediaType, digest: `sha256:${hex}`, size: body.length };
    };
    const manifest = {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: await add(configType ?? FLUX_CONFIG, Buffer.from('{}')),
      layers: await Promise.all(layers.map(({ mediaType, body }) => add(mediaType, body))),
      ...(annotations && { annotations }),
    };
    const pushed = await add(MANIFEST, Buffer.from(JSON.stringify(manifest)));
    await writeFile(path.join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    const index = { schemaVersion: 2, manifests: [pushed] };
    await writeFile(path.join(folder, 'index.json'), JSON.stringify(index));
    const target = `docker://${repository}:${tag}`;
    const args = ['copy', '--preserve-digests', '--dest-tls-verify=false', `oci:${folder}`, target];
    await run(part('skopeo')!, args);
    return pushed.digest;
  });

/** What is in a tar.gz: files by their paths, as the system's `tar` unpacks them. Throws when it is none. */
export async function unpackFiles(archive: Buffer): Promise<Record<string, string>> {
  return await inFolder(async (folder) => {
    await writeFile(path.join(folder, 'archive.tar.gz'), archive);
    const tree = path.join(folder, 'tree');
    await mkdir(tree);
    await run('tar', ['-xzf', path.join(folder, 'archive.tar.gz'), '-C', tree]);
    return await readFiles(tree);
  });
}

async function writeFiles(folder: string, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

async function readFiles(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  const texts = files
    .toSorted()
    .map(async (file) => [path.relative(folder, file), await readFile(file, 'utf8')] as const);
  return Object.fromEntries(await Promise.all(texts));
}

/** A folder for as long as `use` lasts. */
async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'longshore-push-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
