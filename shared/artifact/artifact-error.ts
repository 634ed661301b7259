/** What keeps a layer from becoming an artifact. */

/**
 * `not-compressed` the layer is neither gzip nor zstd nor a tar · `malformed` it is, and damaged · `name` an entry whose
 * name leads astray · `entry` an entry of a type that has no place in an artifact, or two that exclude each other ·
 * `limit` larger than we unpack · `ignore` ignore rules that cannot be read · `scratch` the temporary folder fails us.
 */
export type ArtifactErrorCode =
  | 'not-compressed'
  | 'malformed'
  | 'name'
  | 'entry'
  | 'limit'
  | 'ignore'
  | 'scratch';

/**
 * The message is one line that names the entry where there is one. The reconciler puts what it did before it
 * (OCI 6.4 S15, 6.5 A5): `ignore` is a `SourceIgnoreError`, `scratch` a matter of storage, all others are the layer's.
 */
export class ArtifactError extends Error {
  readonly code: ArtifactErrorCode;

  constructor(code: ArtifactErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'ArtifactError';
    this.code = code;
  }
}

/** A name of somebody else's, safe to print: control characters are escaped, and very long ones are cut. */
export function quoted(name: string): string {
  const text = JSON.stringify(name);
  return text.length <= 300 ? text : `${text.slice(0, 300)}…"`;
}
