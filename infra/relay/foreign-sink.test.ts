import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KubeObject } from '../../shared/kube/resource.ts';
import { NAMESPACE } from './foreign-kinds.ts';
import { createForeignSink } from './foreign-sink.ts';

const namespace = (name: string, labels?: Record<string, string>, resourceVersion = '1') =>
  ({ metadata: { name, uid: name, resourceVersion, labels } }) as KubeObject;

function setUp() {
  const changed: string[] = [];
  const sink = createForeignSink(NAMESPACE, (target) => changed.push(target));
  return { sink, news: () => changed.splice(0) };
}

describe('what is kept of a foreign kind', () => {
  test('the first list is no news; an object that appears later is', () => {
    const { sink, news } = setUp();
    assert.equal(sink.seen(namespace('apps', { team: 'a' }), true), '/apps');
    assert.deepEqual(news(), []);
    sink.seen(namespace('prod'), false);
    assert.deepEqual(news(), ['/Namespace//prod']);
  });

  test('only the labels count, whatever their order', () => {
    const { sink, news } = setUp();
    sink.seen(namespace('apps', { team: 'a', env: 'b' }), true);
    sink.seen(namespace('apps', { env: 'b', team: 'a' }, '2'), false);
    assert.deepEqual(news(), []);
    sink.seen(namespace('apps', { env: 'c', team: 'a' }), false);
    assert.deepEqual(news(), ['/Namespace//apps']);
    sink.seen(namespace('apps'), false);
    assert.deepEqual(news(), ['/Namespace//apps']);
  });

  test('what goes is told once, also when only a list shows it', () => {
    const { sink, news } = setUp();
    for (const name of ['a', 'b', 'c']) sink.seen(namespace(name), true);
    sink.gone(namespace('a'));
    sink.gone(namespace('a'));
    assert.deepEqual(news(), ['/Namespace//a']);
    sink.keepOnly(new Set(['/b']), '');
    assert.deepEqual(news(), ['/Namespace//c']);
  });
});
