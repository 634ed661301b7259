import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Component } from '../../shared/api/component.ts';
import { answered, type Request, readRequest, readResult, wantsRepositoryDeleted } from './annotations.ts';
import { namesOf, repositoryOf } from './place.ts';

const component = (annotations: Record<string, string>): Component => ({
  apiVersion: 'appstudio.redhat.com/v1alpha1',
  kind: 'Component',
  metadata: { name: 'billing', namespace: 'ns', uid: 'u', resourceVersion: '1', annotations },
  spec: { application: 'city-transit' },
});

const invalid = (value: string) => ({
  invalid: `invalid value: ${value} in visibility field in image.redhat.com/generate annotation`,
});
const NO_JSON = { invalid: 'invalid JSON in image.redhat.com/generate annotation' };

describe('requests (13.2)', () => {
  const rows: [text: string | undefined, request: Request | undefined][] = [
    [undefined, undefined],
    ['false', undefined],
    ['true', { visibility: 'public' }],
    ['{"visibility": "public"}', { visibility: 'public' }],
    ['{"visibility":"private","other":1}', { visibility: 'private' }],
    ['', NO_JSON],
    ['yes', NO_JSON],
    ['"public"', NO_JSON],
    ['["public"]', NO_JSON],
    ['null', NO_JSON],
    ['{"visibility":', NO_JSON],
    ['{}', invalid('')],
    ['{"visibility":"Public"}', invalid('Public')],
    ['{"visibility":5}', invalid('5')],
  ];
  for (const [text, request] of rows) {
    test(String(text), () =>
      assert.deepEqual(
        readRequest(component(text === undefined ? {} : { 'image.redhat.com/generate': text })),
        request,
      ),
    );
  }
});

test('results are read and written in one order, without what is missing (13.1)', () => {
  const text = '{"image":"quay.io/o/ns/a/b","visibility":"public","secret":"b"}';
  const read = readResult(component({ 'image.redhat.com/image': text }));
  assert.deepEqual(read, { image: 'quay.io/o/ns/a/b', visibility: 'public', secret: 'b' });
  assert.deepEqual(answered({ secret: 'b', visibility: 'public', image: 'quay.io/o/ns/a/b' }), {
    'image.redhat.com/image': text,
    'image.redhat.com/generate': null,
  });
  assert.deepEqual(readResult(component({})), {});
  assert.equal(readResult(component({ 'image.redhat.com/image': '{' })), undefined);
  assert.equal(readResult(component({ 'image.redhat.com/image': '[]' })), undefined);
});

test('delete-image-repo counts when it is there and does not say false', () => {
  const wants = (annotations: Record<string, string>) => wantsRepositoryDeleted(component(annotations));
  assert.equal(wants({}), false);
  assert.equal(wants({ 'image.redhat.com/delete-image-repo': '' }), true);
  assert.equal(wants({ 'image.redhat.com/delete-image-repo': 'true' }), true);
  assert.equal(wants({ 'image.redhat.com/delete-image-repo': 'false' }), false);
});

test('names are put together plainly (13.3)', () => {
  assert.deepEqual(namesOf(component({})), {
    repository: 'ns/city-transit/billing',
    robots: { push: 'nscity-transitbilling', pull: 'nscity-transitbilling-pull' },
    secrets: { push: 'billing', pull: 'billing-pull' },
  });
});

describe('the repository of an image URL', () => {
  const rows: [url: string, name: string | undefined][] = [
    ['quay.io/o/ns/a/b', 'ns/a/b'],
    ['quay.io/o/ns', undefined],
    ['quay.io/o/ns/', undefined],
    ['quay.io/o/other/a', undefined],
    ['quay.io/other/ns/a', undefined],
    ['quay.io/o/ns/../other/a', undefined],
    ['', undefined],
  ];
  for (const [url, name] of rows) {
    test(url || '(none)', () => assert.equal(repositoryOf(url, 'quay.io/o/', 'ns'), name));
  }
});
