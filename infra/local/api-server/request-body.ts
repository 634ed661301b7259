/** Bodies: JSON, YAML, and the Protobuf of Go clients. */
import { messageOf } from '../../../shared/runtime/errors.ts';
import { JSON_TYPE, YAML_TYPE } from './negotiation.ts';
import { decodeProtobuf } from './protobuf.ts';
import { badRequest, unsupportedMediaType } from './status-error.ts';

const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';
const ACCEPTED = [JSON_TYPE, YAML_TYPE, PROTOBUF_TYPE];

/** The media type of a `Content-Type` header, without parameters, in lower case. */
export function mediaType(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase();
}

/**
 * The value that a body holds; undefined for an empty one.
 * @throws StatusError 400 when it cannot be parsed, 415 for other media types
 */
export async function readBody(contentType: string | undefined, body: Buffer): Promise<unknown> {
  if (body.length === 0) return undefined;
  const type = mediaType(contentType);
  if (type === JSON_TYPE || type === '') return parseJson(body);
  if (type === YAML_TYPE) return parseYaml(body);
  if (type === PROTOBUF_TYPE) return decodeProtobuf(body);
  throw unsupportedMediaType(type, ACCEPTED);
}

/** Members named `__proto__` are left out: assigning them would change what an object inherits. @throws StatusError 400 */
export function parseJson(body: Buffer): unknown {
  try {
    const text = body.toString();
    const value: unknown = JSON.parse(text);
    return /__proto__|\\u00/.test(text) ? withoutProto(value) : value;
  } catch (error) {
    throw badRequest(`couldn't get version/kind; json parse error: ${messageOf(error)}`);
  }
}

function withoutProto(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, member) => (key === '__proto__' ? undefined : member));
}

/** JSON is YAML too, and faster to read as JSON. @throws StatusError 400 */
export async function parseYaml(body: Buffer): Promise<unknown> {
  const text = body.toString();
  try {
    if (/^\s*\{/.test(text)) return parseJson(body);
  } catch {
    // It may be a YAML flow map.
  }
  const { parse } = await import('yaml');
  try {
    return withoutProto(parse(text, { maxAliasCount: 100 }));
  } catch (error) {
    throw badRequest(`error decoding YAML: ${messageOf(error)}`);
  }
}
