/**
 * The tags that a scan found, one record for every ImageRepository object (spec 5.6). A record is one object of the
 * store: a header line of JSON, then the tags in stored order, one a line, gzip above 64 KiB. So a reader of the
 * attributes never unpacks the tags, and both become visible together.
 */
import { hash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import * as z from 'zod/mini';
import { messageOf } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import type { ObjectStore } from './object-store.ts';
import { knownTags, rememberTags } from './tag-lists.ts';

/** A change that an older release would misread raises it. */
const FORMAT = 1;
const GZIP_ABOVE_BYTES = 64 * 1024;
/** A million tags of the longest kind fit. */
const LONGEST_CONTENT_BYTES = 256 * 1024 * 1024;
const LINE_FEED = 0x0a;

/** The object whose tags are recorded. Records are never shared, not even for the same image (IR-STORE-1). */
export interface TagRecordKey {
  cluster: string;
  namespace: string;
  name: string;
}

/** What a record says of its tags. */
export interface TagRecordHeader {
  /** UID of the object: a successor with the same name has another one. */
  uid: string;
  canonicalName: string;
  /** The effective exclusion list. */
  exclusionList: readonly string[];
  /** When the tags were stored, in milliseconds since 1970. A later scan that found the same is not in here (IR-STORE-6). */
  scanTime: number;
  tagCount: number;
  /** `sha256:` and the hash of the tag lines (IR-REPO-17). */
  revision: string;
  /** Which write this is: a record that was read says so. */
  etag?: string;
}

export interface TagRecord extends TagRecordHeader {
  /** In stored order (IR-REPO-16). Shared with other readers: nobody writes into it. */
  tags: readonly string[];
}

/** Who reads: the UID of the object as it is now, and where a record that cannot be used is reported. */
export interface TagRecordReader {
  uid: string;
  log: Pick<Logger, 'error'>;
}

const HeaderLine = z.object({
  format: z.literal(FORMAT),
  uid: z.string(),
  canonicalName: z.string(),
  exclusionList: z.array(z.string()),
  scanTime: z.string().check(z.refine((text) => !Number.isNaN(Date.parse(text)), 'expected a time')),
  tagCount: z.int().check(z.nonnegative()),
  revision: z.string(),
  encoding: z.enum(['identity', 'gzip']),
  /** Length of what follows the line. */
  bytes: z.int().check(z.nonnegative()),
});

/** Key of a record in the object store; the store's own prefix comes before it (IR-STORE-3). */
export function tagRecordKey({ cluster, namespace, name }: TagRecordKey): string {
  return `${tagRecordsOf(cluster)}${namespace}/${name}`;
}

/** What the keys of all records of a cluster begin with. */
export function tagRecordsOf(cluster: string): string {
  return `${cluster}/tags/`;
}

/**
 * The attributes of a record without its tags. Undefined: there is none, it belongs to a predecessor with the same
 * name (IR-STORE-3), or it cannot be used, which is logged (IR-STORE-4). The next scan heals all three.
 * @throws StorageError when the store cannot be asked
 */
export async function readTagRecordHeader(
  store: ObjectStore,
  key: TagRecordKey,
  reader: TagRecordReader,
  signal?: AbortSignal,
): Promise<TagRecordHeader | undefined> {
  return read(store, key, reader, ({ header }) => header, signal);
}

/**
 * A record with its tags, checked against its revision. Undefined and errors as with `readTagRecordHeader`.
 */
export async function readTagRecord(
  store: ObjectStore,
  key: TagRecordKey,
  reader: TagRecordReader,
  signal?: AbortSignal,
): Promise<TagRecord | undefined> {
  return read(store, key, reader, (parts) => ({ ...parts.header, tags: tagsOf(parts) }), signal);
}

/**
 * Writes a record over the one with the `etag` that the caller has read; without one, whatever was there. So a run that
 * another one has overtaken does not bring an older tag list back. The count is that of the tags.
 * @throws StorageError when it was not written: the record of before is still whole
 */
export async function writeTagRecord(
  store: ObjectStore,
  key: TagRecordKey,
  record: Omit<TagRecord, 'tagCount'>,
  signal?: AbortSignal,
): Promise<void> {
  const { etag, tags, uid, canonicalName, exclusionList, revision } = record;
  const content = Buffer.from(tags.length === 0 ? '' : `${tags.join('\n')}\n`);
  const packed = content.length > GZIP_ABOVE_BYTES;
  const body = packed ? gzipSync(content, { level: 1 }) : content;
  const line = JSON.stringify({
    format: FORMAT,
    uid,
    canonicalName,
    exclusionList,
    scanTime: new Date(record.scanTime).toISOString(),
    tagCount: tags.length,
    revision,
    encoding: packed ? 'gzip' : 'identity',
    bytes: body.length,
  } satisfies z.infer<typeof HeaderLine> | { exclusionList: readonly string[] });
  const options = etag === undefined ? {} : { ifMatch: etag };
  await store.put(tagRecordKey(key), Buffer.concat([Buffer.from(`${line}\n`), body]), options, signal);
  rememberTags(revision, tags);
}

/** Removes a record; none is fine (IR-REC-4). */
export async function deleteTagRecord(
  store: ObjectStore,
  key: TagRecordKey,
  signal?: AbortSignal,
): Promise<void> {
  await store.delete(tagRecordKey(key), signal);
}

interface Parts {
  header: TagRecordHeader;
  encoding: 'identity' | 'gzip';
  body: Buffer;
}

async function read<T>(
  store: ObjectStore,
  key: TagRecordKey,
  reader: TagRecordReader,
  use: (parts: Parts) => T,
  signal: AbortSignal | undefined,
): Promise<T | undefined> {
  const stored = await store.get(tagRecordKey(key), signal);
  if (!stored) return undefined;
  const bytes = await stored.bytes();
  try {
    const parts = split(bytes);
    parts.header.etag = stored.etag;
    return parts.header.uid === reader.uid ? use(parts) : undefined;
  } catch (error) {
    reader.log.error('the tag record cannot be used, the next scan writes it again', {
      key: tagRecordKey(key),
      error: messageOf(error).replaceAll(/\s+/g, ' '),
    });
    return undefined;
  }
}

function split(bytes: Buffer): Parts {
  const end = bytes.indexOf(LINE_FEED);
  if (end < 0) throw new Error('it has no header line');
  const parsed = HeaderLine.safeParse(JSON.parse(bytes.toString('utf8', 0, end)));
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  const { format: _, encoding, bytes: length, ...header } = parsed.data;
  const body = bytes.subarray(end + 1);
  if (body.length !== length) throw new Error(`it has ${body.length} bytes of tags instead of ${length}`);
  return { header: { ...header, scanTime: Date.parse(header.scanTime) }, encoding, body };
}

/** What names a tag set is its hash: a list that was read or written under that name needs no second unpacking. */
function tagsOf({ header, encoding, body }: Parts): readonly string[] {
  const known = knownTags(header.revision);
  if (known) return known;
  const content = encoding === 'gzip' ? gunzipSync(body, { maxOutputLength: LONGEST_CONTENT_BYTES }) : body;
  if (`sha256:${hash('sha256', content)}` !== header.revision) throw new Error('its tags were altered');
  const tags = content.toString().split('\n');
  tags.pop();
  if (tags.length !== header.tagCount) throw new Error(`it has ${tags.length} tags, not ${header.tagCount}`);
  rememberTags(header.revision, tags);
  return tags;
}
