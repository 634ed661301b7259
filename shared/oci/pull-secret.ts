/** Reads pull secrets, both types (IR-KEY-1, IR-KEY-2). */
import * as z from 'zod/mini';
import type { SecretData } from '../kube/secret-reader.ts';
import type { Credential } from './credential.ts';
import { matchingKeys } from './credential-key.ts';
import { AccessError } from './errors.ts';
import type { ImageName } from './image-name.ts';

const TYPES: Record<string, { key: string; nested: boolean }> = {
  'kubernetes.io/dockerconfigjson': { key: '.dockerconfigjson', nested: true },
  'kubernetes.io/dockercfg': { key: '.dockercfg', nested: false },
};

const Text = z.nullish(z.string());

/** Some releases of kubectl wrote `Username` and `Password`. */
const Entry = z.pipe(
  z.transform(lowerCaseMembers),
  z.nullish(
    z.object({ auth: Text, username: Text, password: Text, identitytoken: Text, registrytoken: Text }),
  ),
);
const Entries = z.record(z.string(), Entry);
const DockerConfig = z.object({ auths: z.nullish(Entries) });

/** Whether the Secret is of a type that can hold registry credentials; others are ignored with a warning. */
export function isPullSecret(secret: SecretData): boolean {
  return Object.hasOwn(TYPES, secret.type);
}

/**
 * The credential for `image`; undefined when no key matches or the Secret is no pull secret.
 * @throws AccessError naming Secret and key when the content cannot be read, never with the content
 */
export function findCredential(secret: SecretData, image: ImageName): Credential | undefined {
  const type = TYPES[secret.type];
  if (!type || !isPullSecret(secret)) return undefined;
  const where = `secret '${secret.namespace}/${secret.name}' key '${type.key}'`;
  const content = secret.data[type.key];
  if (!content) throw new AccessError(`${where} is missing`);
  const entries = readEntries(content, type.nested, where);
  const [key] = matchingKeys(Object.keys(entries), image);
  return key === undefined ? undefined : credentialOf(entries[key], `${where} entry '${key}'`);
}

function readEntries(content: Buffer, nested: boolean, where: string): z.infer<typeof Entries> {
  let json: unknown;
  try {
    json = JSON.parse(content.toString('utf8'));
  } catch {
    throw new AccessError(`${where} is not valid JSON`);
  }
  const parsed = nested ? DockerConfig.safeParse(json) : Entries.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new AccessError(`${where} is no docker config: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  return nested
    ? ((parsed.data as z.infer<typeof DockerConfig>).auths ?? {})
    : (parsed.data as z.infer<typeof Entries>);
}

function credentialOf(entry: z.infer<typeof Entry>, where: string): Credential {
  const pair = entry?.auth ? decodeAuth(entry.auth, where) : undefined;
  return {
    username: pair?.username ?? (entry?.username || undefined),
    password: pair?.password ?? (entry?.password || undefined),
    identityToken: entry?.identitytoken || undefined,
    registryToken: entry?.registrytoken || undefined,
  };
}

/** `auth` is base64 of `user:password`; padding is optional, the password may hold colons. */
function decodeAuth(auth: string, where: string): { username: string; password: string } {
  const text = /^[A-Za-z0-9+/_-]*={0,2}\s*$/.test(auth) ? Buffer.from(auth, 'base64').toString('utf8') : '';
  const colon = text.indexOf(':');
  if (colon < 0) throw new AccessError(`${where}: 'auth' is not base64 of user:password`);
  // Some tools pad the password with zero bytes.
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') };
}

function lowerCaseMembers(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name.toLowerCase(), member]));
}
