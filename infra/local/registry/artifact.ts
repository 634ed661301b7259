/** Artifacts for consumers of a cluster, as `flux push artifact` and `helm push` make them, for `LocalRegistry.push`. */
import { gzipSync } from 'node:zlib';
import { headerRoom, padded, writeHeader } from '../../../shared/artifact/tar-header.ts';
import type { ImageContent } from './image.ts';

export const FLUX_CONTENT = 'application/vnd.cncf.flux.content.v1.tar+gzip';
export const HELM_CONTENT = 'application/vnd.cncf.helm.chart.content.v1.tar+gzip';
const FLUX_CONFIG = 'application/vnd.cncf.flux.config.v1+json';
const HELM_CONFIG = 'application/vnd.cncf.helm.config.v1+json';
const HELM_PROVENANCE = 'application/vnd.cncf.helm.chart.provenance.v1.prov';

/** Contents by path. */
export type Files = Record<string, string | Buffer>;

/** A compressed archive of files: the layer of an artifact. */
export function packFiles(files: Files): Buffer {
  return gzipSync(archiveFiles(files));
}

/** The archive itself: the same bytes for the same files, whatever the release of zlib is. */
export function archiveFiles(files: Files): Buffer {
  const blocks = Object.entries(files).flatMap(([path, content]) => {
    const bytes = Buffer.from(content);
    const header = Buffer.alloc(headerRoom(Buffer.byteLength(path)));
    const end = writeHeader(header, 0, { path, kind: 'plain', size: bytes.length });
    return [header.subarray(0, end), bytes, Buffer.alloc(padded(bytes.length) - bytes.length)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** What `flux push artifact` makes of a folder. */
export function fluxArtifact(files: Files, annotations?: Record<string, string>): ImageContent {
  return {
    config: { mediaType: FLUX_CONFIG, data: '{}' },
    layers: [{ mediaType: FLUX_CONTENT, data: packFiles(files) }],
    ...(annotations && { annotations }),
  };
}

/** What `helm push` makes of a chart; with provenance it may stand before the chart, as it does here. */
export function helmChart(
  chart: { name: string; version: string; files?: Files },
  { provenance = false } = {},
): ImageContent {
  const { name, version, files = {} } = chart;
  const about = `apiVersion: v2\nname: ${name}\nversion: ${version}\n`;
  const inside = Object.fromEntries(Object.entries(files).map(([path, data]) => [`${name}/${path}`, data]));
  const content = packFiles({ [`${name}/Chart.yaml`]: about, ...inside });
  return {
    config: { mediaType: HELM_CONFIG, data: JSON.stringify({ name, version, apiVersion: 'v2' }) },
    layers: [
      ...(provenance ? [{ mediaType: HELM_PROVENANCE, data: `-----BEGIN PGP-----\n${name}\n` }] : []),
      { mediaType: HELM_CONTENT, data: content },
    ],
  };
}
