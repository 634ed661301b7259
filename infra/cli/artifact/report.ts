/** What `longshore artifact pull` tells: the values of `status.artifact`, and what of the layer is not in the file. */
import type { Pulled } from '../../../functions/oci-repository/pull.ts';
import type { Resolved } from '../../../functions/oci-repository/reference.ts';
import type { LeftOut } from '../../../shared/artifact/left-out.ts';
import { visible } from '../visible.ts';

const SHOWN_PATHS = 20;

export function reportPull(file: string, { revision }: Resolved, pulled: Pulled): string {
  const { produced, image, layer, operation } = pulled;
  const { size, digest, leftOut } = produced;
  const lines = [
    `Revision:  ${revision}`,
    `Layer:     [${image.layers.indexOf(layer)}] ${layer.mediaType ?? ''} (${operation})`,
    `Digest:    ${digest}`,
    `Size:      ${size} bytes`,
    ...Object.entries(image.annotations).map(([key, value]) => `Metadata:  ${key}: ${value}`),
    `File:      ${file}`,
    ...(operation === 'extract' ? leftOutLines(leftOut) : []),
  ];
  return `${lines.map(visible).join('\n')}\n`;
}

function leftOutLines({ ignored, links, paths }: LeftOut): string[] {
  const parts = [
    ignored > 0 ? `${ignored} ${ignored === 1 ? 'path' : 'paths'} by the ignore rules` : '',
    links > 0 ? `${links} symbolic ${links === 1 ? 'link' : 'links'}` : '',
  ].filter((part) => part !== '');
  const shown = paths.slice(0, SHOWN_PATHS);
  const more = ignored + links - shown.length;
  return [
    `Left out:  ${parts.join(', ') || 'nothing'}`,
    ...shown.map((path) => `  ${path}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}
