/** What goes wrong between us and a registry, its token service, or a cloud's login. */

/**
 * `unauthorized` 401 and 403 · `not-found` 404 · `throttled` 429 · `server` 5xx · `status` any other status ·
 * `network` no connection, or a cut one · `tls` certificate or handshake · `timeout` no answer in time, or the deadline ·
 * `aborted` the run was stopped · `address` an address that we must not connect to · `redirect` a redirect or page link
 * that we must not follow · `malformed` an answer that cannot be read · `limit` an answer larger than we accept ·
 * `login` no credentials to be had (cloud login, token service).
 */
export type RegistryErrorCode =
  | 'unauthorized'
  | 'not-found'
  | 'throttled'
  | 'server'
  | 'status'
  | 'network'
  | 'tls'
  | 'timeout'
  | 'aborted'
  | 'address'
  | 'redirect'
  | 'malformed'
  | 'limit'
  | 'login';

/** What a registry said when it refused us: its challenges, and who said so. */
export interface Refusal {
  origin: string;
  authenticate: string | undefined;
  peer: string | undefined;
}

export interface RegistryErrorOptions {
  status?: number;
  retryAfterMs?: number;
  postponedMs?: number;
  transient?: boolean;
  silent?: boolean;
  lostMs?: number;
  codes?: string[];
  refusal?: Refusal;
  cause?: unknown;
}

/** The message is one line, shaped as IR-REG-9 says, without any credential. */
export class RegistryError extends Error {
  readonly code: RegistryErrorCode;
  /** HTTP status, 0 when there was no answer. */
  readonly status: number;
  /** What the registry asked us to wait (`Retry-After`). */
  readonly retryAfterMs: number | undefined;
  /** Longer than a run waits: to be asked again after so many milliseconds, by another run. */
  readonly postponedMs: number | undefined;
  /** Whether a short repeat may help (IR-REG-6). */
  readonly transient: boolean;
  /** Whether nothing came from the other side until the time for a request was over. */
  readonly silent: boolean;
  /** Milliseconds that a request which took too long was waited for; 0: it was none. */
  readonly lostMs: number;
  /** Codes of the OCI error list in the answer, e.g. `NAME_UNKNOWN`. */
  readonly codes: readonly string[];
  readonly refusal: Refusal | undefined;

  constructor(code: RegistryErrorCode, message: string, options: RegistryErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = 'RegistryError';
    this.code = code;
    this.status = options.status ?? 0;
    this.retryAfterMs = options.retryAfterMs;
    this.postponedMs = options.postponedMs;
    this.transient = options.transient ?? false;
    this.silent = options.silent ?? false;
    this.lostMs = options.lostMs ?? 0;
    this.codes = options.codes ?? [];
    this.refusal = options.refusal;
  }
}

/** What of an access cannot be had; `gate`: the identity of a service account, which the operator does not allow. */
export type AccessPart = 'credentials' | 'proxy' | 'tls' | 'login' | 'gate';

/**
 * A Secret, certificate, proxy or service account of an object that cannot be used (spec 5.1 step 5); the message
 * names it. What stands before the message is the reconciler's business.
 */
export class AccessError extends Error {
  /** Undefined until `resolveRegistryAccess` lets it out. */
  readonly part: AccessPart | undefined;

  constructor(message: string, options: { cause?: unknown; part?: AccessPart } = {}) {
    super(message, { cause: options.cause });
    this.name = 'AccessError';
    this.part = options.part;
  }
}
