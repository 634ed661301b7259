import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { artifactsOf } from '../artifact/artifact-path.ts';
import { createDirectoryStore } from './directory.ts';
import { type ObjectStore, PreconditionFailed, StorageError } from './object-store.ts';
import { removeOrphans } from './orphans.ts';
import {
  deleteTagRecord,
  readTagRecord,
  readTagRecordHeader,
  type TagRecord,
  tagRecordKey,
  tagRecordsOf,
  writeTagRecord,
} from './tag-record.ts';

const ROOT = mkdtempSync(join(tmpdir(), 'longshore-tags-'));
after(() => rmSync(ROOT, { recursive: true }));

const KEY = { cluster: 'c1', namespace: 'apps', name: 'app1' };
const SCAN_TIME = Date.UTC(2026, 0, 5, 10, 0, 7);

let count = 0;
let store: ObjectStore;
let warnings: string[];
beforeEach(() => {
  store = createDirectoryStore(join(ROOT, String(count++)));
  warnings = [];
});

const reader = (uid = 'uid-1') => ({
  uid,
  log: {
    error: (message: string, fields = {}) => void warnings.push(`${message} ${JSON.stringify(fields)}`),
  },
});
const read = (key = KEY) => readTagRecord(store, key, reader());
const readHeader = (key = KEY) => readTagRecordHeader(store, key, reader());
const raw = async () => (await store.get(tagRecordKey(KEY)))!.bytes();

function record(tags: string[]): TagRecord {
  return {
    uid: 'uid-1',
    canonicalName: 'docker.io/library/alpine',
    exclusionList: ['^.*\\.sig$'],
    scanTime: SCAN_TIME,
    tagCount: tags.length,
    revision: `sha256:${hash('sha256', tags.map((tag) => `${tag}\n`).join(''))}`,
    tags,
  };
}

const manyTags = (length: number) =>
  Array.from({ length }, (_, index) => `v1.${index}.0`)
    .sort()
    .reverse();

describe('a tag record', () => {
  for (const tags of [[], ['latest'], ['v0.0.2', 'v0.0.1', 'latest'], manyTags(10_000)]) {
    test(`gives back ${tags.length} tags and its attributes`, async () => {
      await writeTagRecord(store, KEY, record(tags));
      const { tags: _, ...header } = record(tags);
      const { etag } = (await store.head(tagRecordKey(KEY)))!;
      assert.deepEqual(await read(), { ...record(tags), etag });
      assert.deepEqual(await readHeader(), { ...header, etag });
      assert.deepEqual(warnings, []);
    });
  }

  test('is not written over one that another run has written since it was read', async () => {
    await writeTagRecord(store, KEY, record(['a']));
    const { etag } = (await readHeader())!;
    await writeTagRecord(store, KEY, { ...record(['b', 'a']), etag });
    await assert.rejects(writeTagRecord(store, KEY, { ...record(['a']), etag }), PreconditionFailed);
    assert.deepEqual((await read())?.tags, ['b', 'a']);
  });

  test('gives back any tags', async () => {
    const tag = fc.stringMatching(/^\w[\w.-]{0,127}$/);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(tag, { maxLength: 50 }), async (tags) => {
        await writeTagRecord(store, KEY, record(tags));
        assert.deepEqual((await read())!.tags, tags);
      }),
      { numRuns: 50 },
    );
  });

  test('is a header line and one tag a line (IR-STORE-2)', async () => {
    await writeTagRecord(store, KEY, record(['b', 'a']));
    const [line, ...rest] = (await raw()).toString().split('\n');
    assert.deepEqual(rest, ['b', 'a', '']);
    assert.deepEqual(JSON.parse(line!), {
      format: 1,
      uid: 'uid-1',
      canonicalName: 'docker.io/library/alpine',
      exclusionList: ['^.*\\.sig$'],
      scanTime: '2026-01-05T10:00:07.000Z',
      tagCount: 2,
      revision: record(['b', 'a']).revision,
      encoding: 'identity',
      bytes: 4,
    });
  });

  test('packs the tags above 64 KiB, not at 64 KiB, and never the header', async () => {
    const line = 'x'.repeat(127);
    const tags = Array.from({ length: 512 }, () => line);
    await writeTagRecord(store, KEY, record(tags));
    assert.match((await raw()).toString('latin1'), /"encoding":"identity","bytes":65536\}/);
    await writeTagRecord(store, KEY, record([...tags, 'y']));
    assert.match((await raw()).toString('latin1'), /^\{"format":1.*"encoding":"gzip"/);
    assert.ok((await raw()).length < 10_000);
    assert.equal((await read())!.tags.length, 513);
  });

  test('lies under cluster, namespace and name, one for every object (IR-STORE-1, IR-STORE-3)', async () => {
    const other = { ...KEY, namespace: 'tenant' };
    await writeTagRecord(store, KEY, record(['a']));
    await writeTagRecord(store, other, record(['b']));
    assert.equal(tagRecordKey(KEY), 'c1/tags/apps/app1');
    await deleteTagRecord(store, KEY);
    assert.equal(await read(), undefined);
    assert.deepEqual((await read(other))!.tags, ['b']);
  });

  test('of a predecessor with the same name is missing, without a warning (IR-STORE-3)', async () => {
    await writeTagRecord(store, KEY, record(['a']));
    assert.equal(await readTagRecord(store, KEY, reader('uid-2')), undefined);
    assert.equal(await readTagRecordHeader(store, KEY, reader('uid-2')), undefined);
    assert.deepEqual(warnings, []);
  });

  test('that does not exist is missing, without a warning; deleting it is fine', async () => {
    assert.equal(await read(), undefined);
    await deleteTagRecord(store, KEY);
    assert.deepEqual(warnings, []);
  });
});

describe('a tag record that was spoilt is missing and logged (IR-STORE-4)', () => {
  const spoil = async (change: (text: string) => string) => {
    const text = (await raw()).toString('latin1');
    const spoilt = change(text);
    assert.notEqual(spoilt, text);
    await store.put(tagRecordKey(KEY), Buffer.from(spoilt, 'latin1'));
  };
  const cases: [name: string, change: (text: string) => string, why: RegExp][] = [
    ['empty', () => '', /no header line/],
    ['without a line feed', (text) => text.split('\n')[0]!, /no header line/],
    ['no JSON', (text) => text.replace('{', '('), /JSON/],
    ['another format version', (text) => text.replace('"format":1', '"format":2'), /format/],
    ['without a UID', (text) => text.replace('"uid"', '"UID"'), /uid/],
    ['cut short', (text) => text.slice(0, -10), /bytes of tags instead of/],
    ['too long', (text) => `${text}more\n`, /bytes of tags instead of/],
  ];
  for (const [name, change, why] of cases) {
    test(`${name}: for both ways to read`, async () => {
      for (const tags of [['b', 'a', 'longer-tag'], manyTags(10_000)]) {
        warnings = [];
        await writeTagRecord(store, KEY, record(tags));
        await spoil(change);
        assert.equal(await readHeader(), undefined);
        assert.equal(await read(), undefined);
        assert.equal(warnings.length, 2);
        for (const warning of warnings) {
          assert.match(warning, why);
          assert.match(warning, /c1\/tags\/apps\/app1/);
          assert.doesNotMatch(warning, /\\n|v1\.1\.0/);
        }
      }
    });
  }

  test('altered tags', async () => {
    await writeTagRecord(store, KEY, record(['b', 'a']));
    await spoil((text) => text.replace(/\nb\n/, '\nc\n'));
    assert.equal(await read(), undefined);
    assert.match(warnings[0]!, /its tags were altered/);
  });

  test('altered tags in a packed record', async () => {
    // Few enough not to be remembered from the write.
    const tags = Array.from({ length: 900 }, (_, index) => hash('sha512', String(index)));
    await writeTagRecord(store, KEY, record(tags.toSorted().reverse()));
    await spoil((text) => `${text.slice(0, -2000)}${'\0'.repeat(100)}${text.slice(-1900)}`);
    assert.equal(await read(), undefined);
    assert.equal(warnings.length, 1);
  });

  test('a wrong count', async () => {
    await writeTagRecord(store, KEY, record(['b', 'a']));
    await spoil((text) => text.replace('"tagCount":2', '"tagCount":3'));
    assert.equal(await read(), undefined);
    assert.match(warnings[0]!, /it has 2 tags, not 3/);
  });
});

test('an error of the store is an error, not a missing record (IR-STORE-4)', async () => {
  const failing: ObjectStore = {
    ...store,
    get: () => Promise.reject(new StorageError('cannot read')),
    put: () => Promise.reject(new StorageError('cannot write')),
  };
  await assert.rejects(readTagRecord(failing, KEY, reader()), /cannot read/);
  await assert.rejects(readTagRecordHeader(failing, KEY, reader()), /cannot read/);
  await assert.rejects(writeTagRecord(failing, KEY, record(['a'])), /cannot write/);
});

describe('the sweep of orphans (IR-STORE-5)', () => {
  const HOUR = 3_600_000;

  test('removes the records, or the artifacts, of objects that are gone, of this cluster only', async () => {
    for (const name of ['app1', 'app2', 'app3']) await writeTagRecord(store, { ...KEY, name }, record(['a']));
    await writeTagRecord(store, { ...KEY, cluster: 'c2' }, record(['a']));
    const artifacts = ['app1/a.tar.gz', 'app2/a.tar.gz', 'app3/a.tar.gz', 'app3/latest.tar.gz'];
    for (const file of artifacts)
      await store.put(`c1/artifacts/ocirepository/apps/${file}`, Buffer.from('x'));
    const listedAt = Date.now() + 2 * HOUR;
    const existing = new Set(['apps/app2', 'other/app1']);
    const removed = await removeOrphans(store, { prefix: tagRecordsOf('c1'), existing, listedAt });
    assert.deepEqual(removed, ['apps/app1', 'apps/app3']);
    assert.equal(await store.head(tagRecordKey(KEY)), undefined);
    assert.ok(await store.head('c1/tags/apps/app2'));
    assert.ok(await store.head('c2/tags/apps/app1'));
    assert.ok(await store.head('c1/artifacts/ocirepository/apps/app1/a.tar.gz'));
    const search = { prefix: artifactsOf('c1'), existing, listedAt };
    assert.deepEqual(await removeOrphans(store, search), ['apps/app1', 'apps/app3']);
    const left = (await Array.fromAsync(store.list(artifactsOf('c1')))).map(({ key }) => key);
    assert.deepEqual(left, ['c1/artifacts/ocirepository/apps/app2/a.tar.gz']);
  });

  test('leaves a record that is younger than the list of objects, or hardly older', async () => {
    await writeTagRecord(store, KEY, record(['a']));
    for (const listedAt of [Date.now() - HOUR, Date.now() + HOUR / 2]) {
      const search = { prefix: tagRecordsOf('c1'), existing: new Set<string>(), listedAt };
      assert.deepEqual(await removeOrphans(store, search), []);
    }
    assert.ok(await read());
  });
});
