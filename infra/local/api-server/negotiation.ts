/** What form of an answer a client accepts. */
import { notAcceptable } from './status-error.ts';

export interface Representation {
  /** The objects themselves, a table of them, or their metadata alone. */
  shape: 'object' | 'table' | 'metadata';
  format: 'json' | 'yaml';
  /** Version of `meta.k8s.io` for tables and metadata. */
  metaVersion: string;
}

export const JSON_TYPE = 'application/json';
export const YAML_TYPE = 'application/yaml';

const PLAIN: Representation = { shape: 'object', format: 'json', metaVersion: 'v1' };
const SHAPES: Record<string, Representation['shape']> = {
  '': 'object',
  Table: 'table',
  PartialObjectMetadata: 'metadata',
  PartialObjectMetadataList: 'metadata',
};

const cache = new Map<string, Representation>();

/**
 * The first entry of an `Accept` header that can be served; Protobuf and CBOR are passed over.
 * @throws StatusError 406
 */
export function negotiate(accept: string | undefined): Representation {
  if (!accept || accept === JSON_TYPE) return PLAIN;
  let found = cache.get(accept);
  if (!found) {
    found = accept
      .split(',')
      .map(parseEntry)
      .find((entry) => entry !== undefined);
    if (!found) throw notAcceptable([JSON_TYPE, YAML_TYPE]);
    if (cache.size < 100) cache.set(accept, found);
  }
  return found;
}

function parseEntry(entry: string): Representation | undefined {
  const [type = '', ...rest] = entry.split(';').map((part) => part.trim());
  const parameters = new Map(rest.map((part) => part.split('=', 2) as [string, string]));
  const format = formatOf(type.toLowerCase());
  const shape = SHAPES[parameters.get('as') ?? ''];
  if (!format || !shape) return undefined;
  const group = parameters.get('g');
  if (shape !== 'object' && group !== undefined && group !== 'meta.k8s.io') return undefined;
  return { shape, format, metaVersion: parameters.get('v') ?? 'v1' };
}

function formatOf(type: string): Representation['format'] | undefined {
  if (type === JSON_TYPE || type === '*/*' || type === 'application/*') return 'json';
  return type === YAML_TYPE ? 'yaml' : undefined;
}
