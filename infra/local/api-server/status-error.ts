/** Refusals, as the `Status` objects that Kubernetes clients understand. */
import type { Problem } from './problems.ts';

export interface StatusCause {
  reason: string;
  message: string;
  field?: string;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

/** What an error is about: group and plural (or kind, where the real server names the kind). */
export interface Subject {
  group: string;
  plural: string;
  kind: string;
}

/** An answer that is not a success. `code` is the HTTP status, `reason` the machine-readable cause. */
export class StatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;

  constructor(code: number, reason: string, message: string, details?: StatusDetails) {
    super(message);
    this.name = 'StatusError';
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  /** The `Status` object. */
  toStatus(): object {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      reason: this.reason,
      ...(this.details && { details: this.details }),
      code: this.code,
    };
  }
}

/** The `Status` object of a deletion that removed the object. */
export function deletedStatus(subject: Subject, name: string, uid: string | undefined): object {
  const details = { name, ...groupOf(subject), kind: subject.plural, uid };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}

export function notFound(subject: Subject, name: string): StatusError {
  return new StatusError(404, 'NotFound', `${qualified(subject)} "${name}" not found`, {
    name,
    ...groupOf(subject),
    kind: subject.plural,
  });
}

export function alreadyExists(subject: Subject, name: string): StatusError {
  return new StatusError(409, 'AlreadyExists', `${qualified(subject)} "${name}" already exists`, {
    name,
    ...groupOf(subject),
    kind: subject.plural,
  });
}

export function conflict(subject: Subject, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${qualified(subject)} "${name}": ${why}`;
  return new StatusError(409, 'Conflict', message, { name, ...groupOf(subject), kind: subject.plural });
}

/** The object was written since the caller read it. */
export function outdated(subject: Subject, name: string): StatusError {
  const why = 'the object has been modified; please apply your changes to the latest version and try again';
  return conflict(subject, name, why);
}

export function forbidden(subject: Subject, name: string, why: string, causes?: StatusCause[]): StatusError {
  const about = name === '' ? qualified(subject) : `${qualified(subject)} "${name}"`;
  return new StatusError(403, 'Forbidden', `${about} is forbidden: ${why}`, {
    ...(name !== '' && { name }),
    ...groupOf(subject),
    kind: subject.plural,
    ...(causes && { causes }),
  });
}

/** The object breaks rules; each problem names its field. */
export function invalid(subject: Pick<Subject, 'group' | 'kind'>, name: string, problems: Problem[]) {
  const causes = problems.map(({ reason, message, field }) => ({ reason, message, field }));
  const texts = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const kind = subject.group === '' ? subject.kind : `${subject.kind}.${subject.group}`;
  const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  return new StatusError(422, 'Invalid', `${kind} "${name}" is invalid: ${list}`, {
    ...(name !== '' && { name }),
    ...groupOf(subject),
    kind: subject.kind,
    causes,
  });
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message);
}

/** Nothing is served at this path. `what` names it. */
export function noSuchResource(what: string): StatusError {
  const message = `the server could not find the requested resource: ${what} is not served by the embedded control plane`;
  return new StatusError(404, 'NotFound', message, {});
}

export function methodNotAllowed(what: string): StatusError {
  const message = `the server does not allow this method on the requested resource: ${what}`;
  return new StatusError(405, 'MethodNotAllowed', message, {});
}

export function unsupportedMediaType(got: string, accepted: readonly string[]): StatusError {
  const known = `accepted media types include: ${accepted.join(', ')}`;
  const message = `the body of the request was in an unknown format (${got || 'none given'}) - ${known}`;
  return new StatusError(415, 'UnsupportedMediaType', message);
}

export function notAcceptable(accepted: readonly string[]): StatusError {
  const message = `only the following media types are accepted: ${accepted.join(', ')}`;
  return new StatusError(406, 'NotAcceptable', message);
}

/** The resource version or page token is from a time that is not remembered: the client lists again. */
export function expired(message: string): StatusError {
  return new StatusError(410, 'Expired', message);
}

function qualified(subject: Subject): string {
  return subject.group === '' ? subject.plural : `${subject.plural}.${subject.group}`;
}

function groupOf(subject: { group: string }): { group?: string } {
  return subject.group === '' ? {} : { group: subject.group };
}
