import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ImageReference } from '../../shared/api/image-policy.ts';
import { choiceText, nextReferences, storedReferences } from './reference.ts';

const [AA, BB] = ['a', 'b'].map((digit) => `sha256:${digit.repeat(64)}`);
const ref = (tag: string, digest?: string, name = 'ghcr.io/org/app'): ImageReference => ({
  name,
  tag,
  ...(digest && { digest }),
});

describe('the references after a choice (8.8)', () => {
  for (const [title, latest, choice, previous] of [
    ['the first choice', undefined, ref('2.1.0'), undefined],
    ['another tag', ref('2.1.0'), ref('2.2.0'), ref('2.1.0')],
    ['a digest appears', ref('2.2.0'), ref('2.2.0', AA), ref('2.2.0')],
    ['another digest', ref('2.2.0', AA), ref('2.2.0', BB), ref('2.2.0', AA)],
    ['the digest goes', ref('2.2.0', BB), ref('2.2.0'), ref('2.2.0', BB)],
    ['down, because a tag was deleted', ref('2.2.0'), ref('1.9.0'), ref('2.2.0')],
    ['another image', ref('2.2.0'), ref('2.2.0', undefined, 'n2'), ref('2.2.0')],
  ] as const) {
    it(title, () => {
      const next = nextReferences({ latest, previous: undefined }, choice);
      assert.deepEqual(next, { latest: choice, previous });
    });
  }

  it('the same choice leaves the one before', () => {
    const stored = { latest: ref('2.2.0', AA), previous: ref('2.1.0') };
    assert.deepEqual(nextReferences(stored, ref('2.2.0', AA)), stored);
    // An older CRD may have stored an empty digest.
    const without = { latest: { ...ref('2.2.0'), digest: '' }, previous: undefined };
    assert.equal(nextReferences(without, ref('2.2.0')).previous, undefined);
  });
});

describe('what a status tells (IR-API-3)', () => {
  it('the references, whatever the texts say', () => {
    const status = { latestRef: ref('2', AA), observedPreviousRef: ref('1'), latestImage: 'other:3' };
    assert.deepEqual(storedReferences(status), { latest: ref('2', AA), previous: ref('1') });
  });

  it('else the texts', () => {
    const status = { latestImage: 'localhost:5000/app:2', observedPreviousImage: 'alpine:1' };
    const latest = { name: 'localhost:5000/app', tag: '2' };
    assert.deepEqual(storedReferences(status), { latest, previous: { name: 'alpine', tag: '1' } });
  });

  it('nothing, where there is nothing to read', () => {
    const none = { latest: undefined, previous: undefined };
    for (const status of [undefined, {}, { latestImage: '' }, { latestImage: 'localhost:5000/app' }]) {
      assert.deepEqual(storedReferences(status), none);
    }
  });
});

describe('the text of a choice (8.9)', () => {
  for (const [latest, previous, text] of [
    [ref('2.1.0'), undefined, '2.1.0'],
    [ref('2.1.0', AA), undefined, `2.1.0 with digest ${AA}`],
    [ref('2.2.0'), ref('2.1.0'), '2.2.0 (previously ghcr.io/org/app:2.1.0)'],
    [ref('2.2.0', BB), ref('2.1.0', AA), `2.2.0 with digest ${BB} (previously ghcr.io/org/app:2.1.0@${AA})`],
    [ref('2.2.0'), ref('2.2.0'), '2.2.0'],
  ] as const) {
    it(text.replaceAll(/[ab]{64}/g, '…'), () => {
      assert.equal(
        choiceText({ latest, previous }),
        `Latest image tag for ghcr.io/org/app resolved to ${text}`,
      );
    });
  }
});
