/** Proxies: of `proxySecretRef` (IR-PRX-1), else of the process's environment (IR-PRX-2). */
import { BlockList, isIP } from 'node:net';
import type { SecretData } from '../kube/secret-reader.ts';
import { AccessError } from './errors.ts';

export interface ProxyServer {
  /** Scheme `http:`, `https:` or `socks5:`; user and password are in it, percent-encoded. */
  url: URL;
  /** An operator's own proxy may stand where no tenant's may: on this machine, in a private network. */
  trusted: boolean;
}

/** Which proxy leads to an address; undefined: none. */
export type ProxyChoice = (target: URL) => ProxyServer | undefined;

const SCHEMES = ['http:', 'https:', 'socks5:'];
const LONGEST_ADDRESS = 2048;

/**
 * The proxy for every connection of an object.
 * @throws AccessError naming Secret and key, never with the address
 */
export function readProxySecret(secret: SecretData): ProxyServer {
  const text = (key: string) => secret.data[key]?.toString('utf8').trim() || undefined;
  const where = `secret '${secret.namespace}/${secret.name}'`;
  const address = text('address');
  if (!address) throw new AccessError(`${where}: key 'address' is missing`);
  if (address.length > LONGEST_ADDRESS) {
    throw new AccessError(`${where}: key 'address' is longer than ${LONGEST_ADDRESS} characters`);
  }
  const url = parseAddress(address);
  if (!url) {
    throw new AccessError(`${where}: key 'address' is no URL with scheme http, https or socks5 and a host`);
  }
  const username = text('username');
  if (username) {
    url.username = encodeURIComponent(username);
    url.password = encodeURIComponent(text('password') ?? '');
  }
  return { url, trusted: false };
}

/**
 * Reads `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, or the same in lower case. This machine is never reached through
 * a proxy of the environment.
 * @throws Error naming the variable that holds no usable address
 */
export function environmentProxies(environment: Record<string, string | undefined>): ProxyChoice {
  const read = (name: string) => environment[name] || environment[name.toLowerCase()] || undefined;
  const parse = (name: string): ProxyServer | undefined => {
    const value = read(name);
    if (value === undefined) return undefined;
    const url = parseAddress(value.includes('://') ? value : `http://${value}`);
    if (!url) throw new Error(`${name}: expected a URL with scheme http, https or socks5`);
    return { url, trusted: true };
  };
  const proxies: Record<string, ProxyServer | undefined> = {
    'https:': parse('HTTPS_PROXY'),
    'http:': parse('HTTP_PROXY'),
  };
  if (!proxies['https:'] && !proxies['http:']) return () => undefined;
  const bypasses = readBypasses(read('NO_PROXY') ?? '');
  return (target) => {
    const proxy = proxies[target.protocol];
    return proxy && !bypasses(target) ? proxy : undefined;
  };
}

let ofProcess: ProxyChoice | undefined;

/**
 * The proxies of this process's environment, which does not change.
 * @throws AccessError naming the variable that holds no usable address
 */
export function processProxies(): ProxyChoice {
  try {
    ofProcess ??= environmentProxies(process.env);
    return ofProcess;
  } catch (error) {
    throw new AccessError((error as Error).message);
  }
}

function parseAddress(address: string): URL | undefined {
  const url = URL.parse(address);
  return url && SCHEMES.includes(url.protocol) && url.hostname !== '' ? url : undefined;
}

/** `NO_PROXY`: `*`, hosts (with all below them), `.suffixes`, addresses, address ranges; each with an optional port. */
function readBypasses(list: string): (target: URL) => boolean {
  const ranges = new BlockList();
  ranges.addSubnet('127.0.0.0', 8, 'ipv4');
  ranges.addAddress('::1', 'ipv6');
  const names: { suffix: string; exact: string | undefined; port: string | undefined }[] = [
    { suffix: '.localhost', exact: 'localhost', port: undefined },
  ];
  for (const entry of list.split(',').map((part) => part.trim().toLowerCase())) {
    if (entry === '*') return () => true;
    if (entry === '' || addRange(ranges, entry)) continue;
    const [, host = entry, port] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
    const name = host.replace(/^\*?\./, '').replace(/^\[|\]$/g, '');
    names.push({ suffix: `.${name}`, exact: host.startsWith('.') ? undefined : name, port });
  }
  return (target) => {
    const host = target.hostname.replace(/^\[|\]$/g, '');
    const port = target.port || (target.protocol === 'https:' ? '443' : '80');
    const version = isIP(host);
    if (version !== 0 && ranges.check(host, version === 4 ? 'ipv4' : 'ipv6')) return true;
    return names.some(
      (name) => (name.port ?? port) === port && (host === name.exact || host.endsWith(name.suffix)),
    );
  };
}

function addRange(ranges: BlockList, entry: string): boolean {
  const [address = '', prefix] = entry.split('/');
  const version = isIP(address);
  if (version === 0) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  if (prefix === undefined) ranges.addAddress(address, family);
  else if (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128)) {
    ranges.addSubnet(address, Number(prefix), family);
  }
  return true;
}
