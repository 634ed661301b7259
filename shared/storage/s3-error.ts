/** What S3 answers when it refuses, in one line and without what was signed. */
import { messageOf } from '../runtime/errors.ts';
import { redact } from '../runtime/redact.ts';
import { AccessDenied, PreconditionFailed, StorageError } from './object-store.ts';

/** The part of the SDK's errors that is read. Its responses and requests are not kept: they carry credentials. */
interface SdkError {
  name?: string;
  $metadata?: { httpStatusCode?: number };
}

/** There is no such object. A bucket that does not exist is something else. */
export function isNothing(error: unknown): boolean {
  const { name, $metadata } = error as SdkError;
  return name !== 'NoSuchBucket' && (name === 'NoSuchKey' || $metadata?.httpStatusCode === 404);
}

/** The server answered, whatever it was: the connection held. */
export function hasAnswer(error: unknown): boolean {
  return (error as SdkError).$metadata?.httpStatusCode !== undefined;
}

/** The error to throw for what the SDK threw; the signal's own reason when it has aborted. */
export function s3Error(
  verb: 'read' | 'write' | 'copy' | 'delete' | 'list',
  bucket: string,
  key: string,
  error: unknown,
  signal: AbortSignal | undefined,
): unknown {
  if (signal?.aborted) return signal.reason;
  const { name, $metadata } = error as SdkError;
  const status = $metadata?.httpStatusCode;
  // 409: two conditional writes met. 404: `ifMatch` on an object that is gone.
  if (verb === 'write' && (status === 412 || name === 'ConditionalRequestConflict' || isNothing(error))) {
    return new PreconditionFailed(key);
  }
  const text = redact(messageOf(error));
  const code = name && name !== 'Error' && !text.startsWith(name) ? `${name}: ` : '';
  const message = `cannot ${verb} object '${key}' in bucket '${bucket}': ${code}${text}`;
  // The answer to a HEAD has no body that would tell which of the refusals it is.
  const isDenied = verb === 'read' && status === 403 && (name === 'AccessDenied' || !hasReason(name));
  return isDenied ? new AccessDenied(message) : new StorageError(message);
}

/** The SDK names what it cannot tell by the status, in words or in figures. */
function hasReason(name: string | undefined): boolean {
  return name !== undefined && !['403', 'Forbidden', 'Unknown', 'UnknownError', 'Error'].includes(name);
}
