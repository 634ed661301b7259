/** The layers that the artifact benchmark works on: files with text as manifests have it, or bytes that do not shrink. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { noise, tarOf } from '../../../shared/artifact/test-layer.ts';

export interface LayerShape {
  files: number;
  /** Bytes of each file. */
  size: number;
  content: 'text' | 'noise';
  /** Of the compression; default: that of gzip. */
  level?: number;
}

const FILES_IN_A_FOLDER = 100;
const END_OF_ARCHIVE = 1024;

/** Writes the layer, gzip-compressed, to `file`. */
export async function writeLayer(file: string, { files, size, content, level }: LayerShape): Promise<void> {
  const bytes = content === 'text' ? manifestText : noise;
  const entries = function* () {
    for (let index = 0; index < files; index++) {
      const path = `folder-${Math.floor(index / FILES_IN_A_FOLDER)}/file-${index}.yaml`;
      const archive = tarOf([{ path, content: bytes(size, index) }]);
      yield index === files - 1 ? archive : archive.subarray(0, -END_OF_ARCHIVE);
    }
  };
  await pipeline(Readable.from(entries()), createGzip({ level }), createWriteStream(file));
}

/** Manifests, one after the other: much repeats, names and digests do not. Shrinks to about a sixth. */
function manifestText(size: number, seed: number): Buffer {
  let text = '';
  for (let part = 0; text.length < size; part++) {
    const digest = createHash('sha256').update(`${seed}/${part}`).digest('hex');
    text += [
      'apiVersion: apps/v1\nkind: Deployment\nmetadata:',
      `  name: app-${digest.slice(0, 6)}\n  namespace: team-${seed % 7}\n  labels:\n    app: web\n    part: "${part}"`,
      'spec:\n  replicas: 2\n  template:\n    spec:\n      containers:',
      `        - name: main\n          image: registry.example.com/team/app@sha256:${digest}`,
      `          ports:\n            - containerPort: ${8000 + (part % 1000)}\n---\n`,
    ].join('\n');
  }
  return Buffer.from(text.slice(0, size));
}
