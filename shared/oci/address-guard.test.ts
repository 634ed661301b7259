import assert from 'node:assert/strict';
import dns from 'node:dns';
import { describe, type TestContext, test } from 'node:test';
import { assertHost, guardedLookup, narrowReach, type Zone, zoneOf, zoneOfHost } from './address-guard.ts';

describe('the zone of an address (decisions 10)', () => {
  const rows: [address: string, zone: Zone][] = [
    ['8.8.8.8', 'public'],
    ['2606:4700::1111', 'public'],
    ['10.1.2.3', 'private'],
    ['172.16.0.1', 'private'],
    ['172.32.0.1', 'public'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['fd12:3456::1', 'private'],
    ['127.0.0.1', 'loopback'],
    ['127.9.9.9', 'loopback'],
    ['::1', 'loopback'],
    ['0.0.0.0', 'loopback'],
    ['::', 'loopback'],
    ['::ffff:0.0.0.0', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:7f00:1', 'loopback'],
    ['0:0:0:0:0:ffff:7f00:0001', 'loopback'],
    ['::127.0.0.1', 'loopback'],
    ['64:ff9b::7f00:1', 'loopback'],
    ['2002:7f00:1::', 'loopback'],
    ['169.254.169.254', 'forbidden'],
    ['169.254.170.23', 'forbidden'],
    ['::ffff:169.254.169.254', 'forbidden'],
    ['64:ff9b::a9fe:a9fe', 'forbidden'],
    ['2002:a9fe:a9fe::1', 'forbidden'],
    ['fe80::1', 'forbidden'],
    ['fe80::1%eth0', 'forbidden'],
    ['fd00:ec2::254', 'forbidden'],
    ['fd00:ec2::23', 'forbidden'],
    ['fd20:ce::254', 'forbidden'],
    ['100.100.100.200', 'forbidden'],
    ['168.63.129.16', 'forbidden'],
    ['192.0.0.192', 'forbidden'],
    ['0.1.2.3', 'forbidden'],
    ['224.0.0.1', 'forbidden'],
    ['255.255.255.255', 'forbidden'],
    ['ff02::1', 'forbidden'],
    ['::ffff:10.0.0.1', 'private'],
    ['::ffff:8.8.8.8', 'public'],
    ['registry.example', 'forbidden'],
  ];
  for (const [address, zone] of rows)
    test(`${address} is ${zone}`, () => assert.equal(zoneOf(address), zone));
});

test('names tell their zone only where they are well known', () => {
  assert.equal(zoneOfHost('[::1]'), 'loopback');
  assert.equal(zoneOfHost('metadata.google.internal.'), 'forbidden');
  assert.equal(zoneOfHost('registry.localhost'), 'loopback');
  assert.equal(zoneOfHost('registry.example'), undefined);
});

test('nobody sends us nearer than where they are', () => {
  const all = { private: true, loopback: true };
  assert.deepEqual(narrowReach(all, 'public'), { private: false, loopback: false });
  assert.deepEqual(narrowReach(all, 'private'), { private: true, loopback: false });
  assert.deepEqual(narrowReach(all, 'loopback'), all);
  assert.deepEqual(narrowReach({ private: false, loopback: true }, 'loopback'), {
    private: false,
    loopback: true,
  });
});

test('literal addresses are judged without DNS', () => {
  const nothing = { private: false, loopback: false };
  assert.throws(
    () => assertHost('169.254.169.254', { private: true, loopback: true }),
    /169\.254\.169\.254.*metadata/,
  );
  assert.throws(() => assertHost('10.0.0.1', nothing), /private address is not allowed/);
  assert.throws(() => assertHost('[::1]', nothing), /loopback address is not allowed/);
  assertHost('8.8.8.8', nothing);
  assertHost('registry.example', nothing);
});

function resolveTo(t: TestContext, ...addresses: string[]): void {
  t.mock.method(dns, 'lookup', (_name: string, _options: unknown, callback: (...args: unknown[]) => void) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    ),
  );
}

function look(all: boolean): Promise<unknown> {
  const lookup = guardedLookup({ private: false, loopback: false });
  return new Promise((resolve, reject) =>
    lookup('registry.example', { all }, (error, answer) => (error ? reject(error) : resolve(answer))),
  );
}

test('a name that leads to a metadata address is refused at connect time', async (t) => {
  resolveTo(t, '169.254.169.254');
  await assert.rejects(look(true), /address 169\.254\.169\.254 \(registry\.example\) refused/);
});

test('of several addresses only those within reach are used', async (t) => {
  resolveTo(t, '10.0.0.1', '1.2.3.4', '::1');
  assert.deepEqual(await look(true), [{ address: '1.2.3.4', family: 4 }]);
  assert.equal(await look(false), '1.2.3.4');
});
