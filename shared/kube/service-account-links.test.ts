import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { scriptedClient } from '../../test/parts/scripted-client.ts';
import { RetryError } from '../runtime/errors.ts';
import { KubeError } from './errors.ts';
import { changeLinks, type Links, withLink, withoutLink, withRepairedLink } from './service-account-links.ts';

const signal = new AbortController().signal;
const ACCOUNT = { namespace: 'ns', name: 'pipeline' };

const links = (secrets: string, pull = ''): Links => {
  const named = (text: string) =>
    text
      .split(' ')
      .filter(Boolean)
      .map((name) => ({ name }));
  return { secrets: named(secrets), imagePullSecrets: named(pull) };
};

describe('what is changed', () => {
  const rows: [what: string, change: (given: Links) => Links, before: Links, after?: Links][] = [
    ['a link is added at the end', withLink('p'), links('a b'), links('a b p')],
    ['a link that is there stays', withLink('p'), links('p a')],
    ['both lists', withLink('p', true), links('p', 'a'), links('p', 'a p')],
    ['every link goes', withoutLink('p'), links('a p b p', 'p c'), links('a b', 'c')],
    ['nothing to take away', withoutLink('p'), links('a', 'c')],
    ['repair: rules 1 to 3', withRepairedLink('p'), links('a p b p', 'p c p'), links('a p b', 'c')],
    ['repair: missing, and only among the pull links', withRepairedLink('p'), links('a', 'p'), links('a p')],
    ['repair: in order', withRepairedLink('p'), links('a p', 'c')],
  ];
  for (const [what, change, before, after] of rows) {
    test(what, () => {
      const given = structuredClone(before);
      const changed = change(given);
      assert.deepEqual(changed, after ?? before);
      assert.equal(changed === given, after === undefined, 'the very same where nothing is to be written');
      assert.deepEqual(given, before, 'what came in is not touched');
    });
  }
});

const stored = (resourceVersion: string, secrets: string) => () => ({
  metadata: { name: 'pipeline', resourceVersion },
  ...links(secrets),
});
const conflict = () => {
  throw new KubeError('changed', { status: 409, reason: 'Conflict' });
};

test('nothing to change: one read; no account: neither', async () => {
  const one = scriptedClient(stored('1', 'p'));
  assert.equal(await changeLinks(one.kube, ACCOUNT, withLink('p'), signal), false);
  const none = scriptedClient(() => undefined);
  assert.equal(await changeLinks(none.kube, ACCOUNT, withLink('p'), signal), false);
});

test('a write is guarded; who is overtaken looks again', async () => {
  const { kube, calls } = scriptedClient(stored('1', 'a'), conflict, stored('2', 'a theirs'), () => ({}));
  assert.equal(await changeLinks(kube, ACCOUNT, withLink('p'), signal), true);
  assert.deepEqual(calls.at(-1)?.body, { metadata: { resourceVersion: '2' }, ...links('a theirs p') });
});

test('after five conflicts the run is repeated', async () => {
  const script = Array.from({ length: 5 }, () => [stored('1', 'a'), conflict]).flat();
  const { kube } = scriptedClient(...script);
  await assert.rejects(changeLinks(kube, ACCOUNT, withLink('p'), signal), (error: RetryError) => {
    assert.ok(error instanceof RetryError);
    return error.reason === 'Conflict';
  });
});
