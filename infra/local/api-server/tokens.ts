/** Who may ask: the administrator's token, and tokens made for service accounts (HMAC-SHA256 JWTs). */
import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { keepFile } from './kept-file.ts';
import { isTree, textAt, valueAt } from './tree.ts';

export interface User {
  username: string;
  uid: string;
  groups: string[];
}

export interface ServiceAccountIdentity {
  namespace: string;
  name: string;
  uid: string;
}

/** Issuer of the tokens, and the audience that this server itself has. */
export const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const AUDIENCES = [ISSUER, 'https://kubernetes.default.svc'];

const ADMINISTRATOR: User = {
  username: 'longshore-admin',
  uid: '',
  groups: ['system:masters', 'system:authenticated'],
};

export class Tokens {
  readonly admin: string;
  readonly #key: Buffer;
  readonly #now: () => number;
  /** Tokens that were checked: signatures are not computed again. */
  #checked = new Map<string, { identity: ServiceAccountIdentity; expires: number }>();

  private constructor(admin: string, key: Buffer, now: () => number) {
    this.admin = admin;
    this.#key = key;
    this.#now = now;
  }

  /** Reads token and key from `folder`, or makes them. @param now milliseconds since 1970 */
  static async load(folder: string, now: () => number): Promise<Tokens> {
    const random = () => randomBytes(32).toString('hex');
    const admin = await keepFile(join(folder, 'token'), random);
    const key = await keepFile(join(folder, 'token-key'), random);
    return new Tokens(admin, Buffer.from(key, 'hex'), now);
  }

  /** A token for a service account. Without audiences it is for this server. */
  issue(
    identity: ServiceAccountIdentity,
    audiences: string[],
    seconds: number,
  ): { token: string; expires: number } {
    const now = Math.floor(this.#now() / 1000);
    const { namespace, name, uid } = identity;
    const claims = {
      aud: audiences.length > 0 ? audiences : [ISSUER],
      exp: now + seconds,
      iat: now,
      iss: ISSUER,
      jti: randomUUID(),
      'kubernetes.io': { namespace, serviceaccount: { name, uid } },
      nbf: now,
      sub: `system:serviceaccount:${namespace}:${name}`,
    };
    const content = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
    return { token: `${content}.${this.#sign(content)}`, expires: (now + seconds) * 1000 };
  }

  /**
   * Whose token it is. @param exists tells whether the service account is still there, with this UID
   * @returns undefined for a token that is unknown, forged, expired, or for another audience
   */
  authenticate(token: string, exists: (identity: ServiceAccountIdentity) => boolean): User | undefined {
    if (sameText(token, this.admin)) return ADMINISTRATOR;
    const checked = this.#checked.get(token) ?? this.#check(token);
    if (!checked || checked.expires <= this.#now() || !exists(checked.identity)) {
      this.#checked.delete(token);
      return undefined;
    }
    const { namespace, name, uid } = checked.identity;
    return {
      username: `system:serviceaccount:${namespace}:${name}`,
      uid,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    };
  }

  #check(token: string): { identity: ServiceAccountIdentity; expires: number } | undefined {
    const [header = '', payload = '', signature = ''] = token.split('.');
    if (!sameText(signature, this.#sign(`${header}.${payload}`))) return undefined;
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const audiences = valueAt(claims, 'aud');
    if (!Array.isArray(audiences) || !audiences.some((audience) => AUDIENCES.includes(audience))) {
      return undefined;
    }
    const about = isTree(claims) ? claims['kubernetes.io'] : undefined;
    const checked = {
      identity: {
        namespace: textAt(about, 'namespace'),
        name: textAt(about, 'serviceaccount', 'name'),
        uid: textAt(about, 'serviceaccount', 'uid'),
      },
      expires: Number(valueAt(claims, 'exp')) * 1000,
    };
    if (this.#checked.size >= 1_000) this.#checked.clear();
    this.#checked.set(token, checked);
    return checked;
  }

  #sign(content: string): string {
    return createHmac('sha256', this.#key).update(content).digest('base64url');
  }
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
