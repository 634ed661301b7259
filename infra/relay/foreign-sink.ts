/** What the relay keeps of a foreign kind: for every object a hash of the part that ours read. */
import { hash } from 'node:crypto';
import { keyText } from '../../shared/runtime/contract.ts';
import type { ForeignKind } from './foreign-kinds.ts';
import type { ReflectorSink } from './reflector.ts';
import { recordKey, splitKey } from './slim-record.ts';

/**
 * Tells of objects that appear, change or go, but for those of the first list: whoever depends on them looks once after
 * the start anyway.
 * @param onChanged gets the `keyText` of the object
 */
export function createForeignSink(kind: ForeignKind, onChanged: (target: string) => void): ReflectorSink {
  const seen = new Map<string, string>();

  const changed = (key: string) => {
    onChanged(keyText({ group: kind.group, kind: kind.kind, ...splitKey(key) }));
  };
  const remove = (key: string) => {
    if (seen.delete(key)) changed(key);
  };

  return {
    seen(object, firstList) {
      const key = recordKey(object.metadata.namespace, object.metadata.name);
      const now = hash('sha1', kind.watched(object), 'base64');
      const isNews = seen.get(key) !== now;
      seen.set(key, now);
      if (isNews && !firstList) changed(key);
      return key;
    },
    gone: ({ metadata }) => remove(recordKey(metadata.namespace, metadata.name)),
    keepOnly(listed, namespace) {
      for (const key of seen.keys()) {
        if (!listed.has(key) && (namespace === '' || key.startsWith(`${namespace}/`))) remove(key);
      }
    },
  };
}
