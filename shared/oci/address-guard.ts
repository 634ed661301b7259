/**
 * Which addresses we connect to (decisions 10, IR-REG-3). Judged when a connection is made, after DNS, so that no name
 * can point us elsewhere between the check and the use.
 */
import dns from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** How near to us an address is. `forbidden`: link-local, multicast and the metadata services of the clouds. */
export type Zone = 'public' | 'private' | 'loopback' | 'forbidden';

/** Which zones a connection may lead to, beside public addresses. */
export interface Reach {
  private: boolean;
  loopback: boolean;
}

/** An address that we must not connect to. The message names it and why. */
export class AddressError extends Error {
  readonly code = 'ERR_ADDRESS_REFUSED';

  constructor(message: string) {
    super(message);
    this.name = 'AddressError';
  }
}

const FORBIDDEN = blockList(
  // Link-local: metadata of AWS, Google, Azure, Oracle, OpenStack, Tencent; credentials of ECS tasks and EKS pods.
  ['169.254.0.0', 16],
  ['fe80::', 10],
  // Amazon's services inside an instance by IPv6: metadata, EKS pod identity, DNS, time.
  ['fd00:ec2::', 32],
  // Google's metadata by IPv6.
  ['fd20:ce::254', 128],
  // Alibaba's metadata, Azure's wire server, Oracle's older metadata.
  ['100.100.100.200', 32],
  ['168.63.129.16', 32],
  ['192.0.0.192', 32],
  // This network, multicast, reserved, broadcast.
  ['0.0.0.0', 8],
  ['224.0.0.0', 3],
  ['ff00::', 8],
);
const LOOPBACK = blockList(['127.0.0.0', 8], ['0.0.0.0', 32], ['::1', 128], ['::', 128]);
const PRIVATE = blockList(
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['192.0.0.0', 24],
  ['198.18.0.0', 15],
  ['fc00::', 7],
  ['fec0::', 10],
);
/** Names that serve nothing but metadata or this machine, for proxies that resolve names for us. */
const FORBIDDEN_NAMES = new Set(['metadata.google.internal', 'metadata.goog', 'metadata.tencentyun.com']);
const LOOPBACK_NAME = /(^|\.)localhost$/;

/** The zone of an IP address; mapped, translated and unspecified forms count as what they mean. Not an IP: forbidden. */
export function zoneOf(address: string): Zone {
  const plain = embeddedIPv4(address) ?? address;
  const version = isIP(plain);
  if (version === 0) return 'forbidden';
  const family = version === 4 ? 'ipv4' : 'ipv6';
  if (LOOPBACK.check(plain, family)) return 'loopback';
  if (FORBIDDEN.check(plain, family)) return 'forbidden';
  return PRIVATE.check(plain, family) ? 'private' : 'public';
}

/** The zone that a host shows without DNS: of a literal address or a well-known name; undefined for all other names. */
export function zoneOfHost(host: string): Zone | undefined {
  const name = host.replace(/^\[|\]$/g, '');
  if (isIP(name)) return zoneOf(name);
  const bare = name.toLowerCase().replace(/\.$/, '');
  if (FORBIDDEN_NAMES.has(bare)) return 'forbidden';
  return LOOPBACK_NAME.test(bare) ? 'loopback' : undefined;
}

/** What somebody at an address of this zone may send us to: nothing nearer to us than themselves. */
export function narrowReach(reach: Reach, zone: Zone): Reach {
  return {
    private: reach.private && zone !== 'public' && zone !== 'forbidden',
    loopback: reach.loopback && zone === 'loopback',
  };
}

/** @throws AddressError when a literal address or well-known name is out of reach; other names pass */
export function assertHost(host: string, reach: Reach): void {
  const zone = zoneOfHost(host);
  if (zone !== undefined && !isAllowed(zone, reach)) throw refusal(host, zone);
}

/** A `lookup` for sockets that gives only addresses within reach. */
export function guardedLookup(reach: Reach): LookupFunction {
  return (hostname, options, callback) => {
    dns.lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0);
      const allowed = addresses.filter(({ address }) => isAllowed(zoneOf(address), reach));
      const first = allowed[0];
      if (!first) {
        const refused = addresses[0]?.address ?? hostname;
        return callback(refusal(`${refused} (${hostname})`, zoneOf(refused)), '', 0);
      }
      if (options.all) return callback(null, allowed);
      callback(null, first.address, first.family);
    });
  };
}

function isAllowed(zone: Zone, reach: Reach): boolean {
  if (zone === 'public') return true;
  return zone !== 'forbidden' && reach[zone];
}

const REASONS: Record<Exclude<Zone, 'public'>, string> = {
  forbidden: 'a link-local, metadata or reserved address is never connected to',
  private: 'a private address is not allowed here',
  loopback: 'a loopback address is not allowed here',
};

function refusal(host: string, zone: Zone): AddressError {
  return new AddressError(`address ${host} refused: ${zone === 'public' ? 'not allowed' : REASONS[zone]}`);
}

function blockList(...subnets: [address: string, prefix: number][]): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of subnets) {
    list.addSubnet(address, prefix, address.includes(':') ? 'ipv6' : 'ipv4');
  }
  return list;
}

/** Prefixes of IPv6 addresses that stand for an IPv4 address, and the position (in 16-bit groups) where it follows. */
const EMBEDDINGS: { groups: number[]; at: number }[] = [
  { groups: [0, 0, 0, 0, 0, 0xffff], at: 6 }, // mapped
  { groups: [0, 0, 0, 0, 0xffff, 0], at: 6 }, // translated
  { groups: [0x64, 0xff9b, 0, 0, 0, 0], at: 6 }, // NAT64
  { groups: [0x2002], at: 1 }, // 6to4
];

function embeddedIPv4(address: string): string | undefined {
  if (isIP(address) !== 6) return undefined;
  const groups = groupsOf(address);
  for (const { groups: prefix, at } of EMBEDDINGS) {
    if (prefix.every((group, index) => groups[index] === group)) return dotted(groups[at]!, groups[at + 1]!);
  }
  // Compatible form `::a.b.c.d`; `::` and `::1` are themselves.
  const compatible = groups.slice(0, 6).every((group) => group === 0) && groups[6] !== 0;
  return compatible ? dotted(groups[6]!, groups[7]!) : undefined;
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  const text = address
    .split('%', 1)[0]!
    .replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, a, b, c, d) =>
      [a * 256 + Number(b), c * 256 + Number(d)].map((group) => group.toString(16)).join(':'),
    );
  const [head = '', tail] = text.split('::');
  const parse = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const before = parse(head);
  const after = tail === undefined ? [] : parse(tail);
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}

function dotted(high: number, low: number): string {
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}
