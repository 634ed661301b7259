import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KubeObject } from '../../shared/kube/resource.ts';
import { triggerOf } from './predicate.ts';
import { component, quayImageRepository } from './quay-kinds.ts';
import { slimRecord } from './slim-record.ts';

const LINK = { 'appstudio.redhat.com/component': 'c', 'appstudio.redhat.com/application': 'a' };
const PROVISIONED = 'appstudio.openshift.io/image-repository';
const PREFIX = 'image-controller.appstudio.redhat.com/';
const CREDENTIALS = { credentials: { 'push-robot-account': 'r', 'push-secret': 's' } };

interface Given {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  deletionTimestamp?: string;
  status?: object;
}

function object({ status, ...metadata }: Given): KubeObject {
  return {
    apiVersion: 'appstudio.redhat.com/v1alpha1',
    kind: 'ImageRepository',
    metadata: { name: 'x', namespace: 'ns', uid: 'u', resourceVersion: '1', generation: 1, ...metadata },
    spec: undefined,
    status,
  };
}

const READY = {
  finalizers: [PROVISIONED],
  status: { state: 'ready', image: { url: 'u', visibility: 'public' }, ...CREDENTIALS },
};

describe('what of an ImageRepository of Quay starts a run', () => {
  const table: [what: string, before: Given, after: Given, runs: boolean][] = [
    ['the retry annotation', READY, { ...READY, annotations: { [`${PREFIX}retry`]: '' } }, true],
    [
      'update-component-image',
      READY,
      { ...READY, annotations: { [`${PREFIX}update-component-image`]: 'true' } },
      true,
    ],
    ['another annotation', READY, { ...READY, annotations: { 'example.com/note': 'x' } }, false],
    ['labels, before the names are written', {}, { labels: LINK }, true],
    ['labels, afterwards', READY, { ...READY, labels: LINK }, false],
    [
      'the finalizer taken off a damaged object',
      { ...READY, status: { state: 'damaged', ...CREDENTIALS } },
      { status: { state: 'damaged', ...CREDENTIALS } },
      true,
    ],
    ['our own finalizer', { status: READY.status }, READY, false],
    ['our own state', { status: { ...READY.status, state: undefined } }, { status: READY.status }, false],
    ['a wiped status', READY, { finalizers: [PROVISIONED] }, true],
    ['a lost robot', READY, { ...READY, status: { ...READY.status, credentials: {} } }, true],
    [
      'that we told of the damage',
      { finalizers: [PROVISIONED] },
      { finalizers: [PROVISIONED], status: { state: 'damaged' } },
      false,
    ],
  ];
  for (const [what, before, after, runs] of table) {
    test(`${what}: ${runs ? 'runs' : 'does not'}`, () => {
      const record = (given: Given) => slimRecord(object(given), quayImageRepository, 'ns/x');
      assert.equal(triggerOf(record(before), record(after)), runs ? 'change' : undefined);
    });
  }
});

describe('whom it waits for', () => {
  const on = (given: Given) =>
    quayImageRepository.dependsOn!(object(given)).map(({ kind, name }) => `${kind} ${name}`);
  test('its Component, until the names are written ahead', () => {
    assert.deepEqual(on({ labels: LINK }), ['Component c']);
    assert.deepEqual(on({ labels: LINK, ...READY }), []);
    assert.deepEqual(on({}), []);
  });
  test('the token, as long as it is being deleted', () => {
    const deletionTimestamp = '2026-01-01T00:00:00Z';
    assert.deepEqual(on({ ...READY, deletionTimestamp }), ['Secret quaytoken']);
  });
  test('a Component: the token, while it asks for something or is being deleted', () => {
    const of = (given: Given) => component.dependsOn!(object(given)).map(({ name }) => name);
    assert.deepEqual(of({ annotations: { 'image.redhat.com/generate': 'true' } }), ['quaytoken']);
    assert.deepEqual(of({ deletionTimestamp: '2026-01-01T00:00:00Z' }), ['quaytoken']);
    assert.deepEqual(of({ annotations: { 'image.redhat.com/generate': 'false' } }), []);
  });
  test('the token, when it failed for want of one', () => {
    const conditions = [{ type: 'Ready', status: 'False', reason: 'RegistryConfiguration' }];
    assert.deepEqual(on({ status: { conditions } }), ['Secret quaytoken']);
    assert.deepEqual(
      on({ status: { conditions: [{ ...conditions[0], reason: 'RegistryUnavailable' }] } }),
      [],
    );
  });
});

test('it is known by either finalizer, or by having failed for good', () => {
  const known = (given: Given) => slimRecord(object(given), quayImageRepository, 'ns/x').finalized;
  assert.equal(known(READY), true);
  assert.equal(known({ finalizers: ['image-controller.appstudio.redhat.com/provisioning'] }), true);
  assert.equal(known({ status: { state: 'failed' } }), true);
  assert.equal(known({ status: { state: 'waiting' } }), false);
});

test('a Component asks by one annotation, and false asks for nothing', () => {
  const asks = (annotations: Record<string, string>) => component.watched!(object({ annotations }));
  assert.equal(asks({}), '');
  assert.equal(asks({ 'image.redhat.com/generate': 'false' }), '');
  assert.equal(asks({ 'image.redhat.com/generate': 'true' }), '=true');
  assert.notEqual(asks({ 'image.redhat.com/generate': '' }), '', 'a request that is told to be invalid');
  assert.equal(asks({ 'image.redhat.com/image': '{}' }), '');
});
