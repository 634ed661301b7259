/** Namespaces, Secrets, ConfigMaps, ServiceAccounts and their tokens, Leases, Events, reviews. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createTransport } from '../../shared/kube/transport.ts';
import { causes, MERGE, overBothServers } from './servers.ts';

overBothServers('built-in types', [], (server, ask) => {
  let namespace: string;
  let core: string;
  before(async () => {
    namespace = await server.createNamespace();
    core = `/api/v1/namespaces/${namespace}`;
  });
  const post = (path: string, body: unknown) => ask(path, { method: 'POST', body });
  const patch = (path: string, body: unknown) => ask(path, { method: 'PATCH', body, contentType: MERGE });

  test('a namespace carries its name as a label, whatever is asked', async () => {
    const path = `/api/v1/namespaces/${namespace}`;
    const { json } = await ask(path);
    assert.equal(json.metadata.labels['kubernetes.io/metadata.name'], namespace);
    assert.deepEqual(json.spec.finalizers, ['kubernetes']);
    assert.equal(json.status.phase, 'Active');
    const label = { 'kubernetes.io/metadata.name': 'other', team: 'a' };
    const changed = await patch(path, { metadata: { labels: label } });
    assert.deepEqual(changed.json.metadata.labels, { 'kubernetes.io/metadata.name': namespace, team: 'a' });
    const removed = await patch(path, { metadata: { labels: null } });
    assert.deepEqual(removed.json.metadata.labels, { 'kubernetes.io/metadata.name': namespace });
  });

  test('names of namespaces are labels', async () => {
    const reply = await post('/api/v1/namespaces', { metadata: { name: 'a.b' } });
    assert.equal(reply.status, 422);
    assert.deepEqual(causes(reply), ['metadata.name FieldValueInvalid']);
  });

  test('a Secret takes plain text and keeps base64', async () => {
    const body = { metadata: { name: 'plain' }, stringData: { a: 'hello' }, data: { b: 'Yg==' } };
    const { status, json } = await post(`${core}/secrets`, body);
    assert.equal(status, 201);
    assert.deepEqual(json.data, { a: 'aGVsbG8=', b: 'Yg==' });
    assert.equal(json.stringData, undefined);
    assert.equal(json.type, 'Opaque');
    const added = await patch(`${core}/secrets/plain`, { stringData: { c: 'x' } });
    assert.deepEqual(added.json.data, { a: 'aGVsbG8=', b: 'Yg==', c: 'eA==' });
    const typed = await patch(`${core}/secrets/plain`, { type: 'other' });
    assert.deepEqual(causes(typed), ['type FieldValueInvalid']);
  });

  const secrets: [why: string, body: object, status: number, field?: string][] = [
    ['no base64', { data: { a: 'not base64' } }, 400],
    ['a value that is no text', { data: { a: 1 } }, 400],
    ['a key with a space', { data: { 'a b': 'Yg==' } }, 422, 'data[a b] FieldValueInvalid'],
    [
      'a docker Secret without its key',
      { type: 'kubernetes.io/dockerconfigjson' },
      422,
      'data[.dockerconfigjson] FieldValueRequired',
    ],
    [
      'a docker Secret that is no JSON',
      { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': 'Yg==' } },
      422,
      'data[.dockerconfigjson] FieldValueInvalid',
    ],
    [
      'a TLS Secret without its key',
      { type: 'kubernetes.io/tls', data: { 'tls.crt': 'Yg==' } },
      422,
      'data[tls.key] FieldValueRequired',
    ],
  ];
  for (const [why, body, status, field] of secrets) {
    test(`refused Secret: ${why}`, async () => {
      const reply = await post(`${core}/secrets`, { metadata: { name: 'refused' }, ...body });
      assert.equal(reply.status, status);
      if (field) assert.deepEqual(causes(reply), [field]);
      assert.doesNotMatch(JSON.stringify(reply.json), /Yg==/);
    });
  }

  test('what is marked immutable stays', async () => {
    for (const plural of ['secrets', 'configmaps']) {
      const data = plural === 'secrets' ? { a: 'Yg==' } : { a: 'b' };
      await post(`${core}/${plural}`, { metadata: { name: 'fixed' }, immutable: true, data });
      const changed = await patch(`${core}/${plural}/fixed`, { data: { b: 'Yg==' } });
      assert.deepEqual(causes(changed), ['data FieldValueForbidden']);
      assert.equal(
        (await patch(`${core}/${plural}/fixed`, { metadata: { labels: { a: 'b' } } })).status,
        200,
      );
    }
  });

  test('Secrets are selected by type', async () => {
    const query = { fieldSelector: 'type=Opaque,metadata.name=plain' };
    const { json } = await ask(`${core}/secrets`, { query });
    assert.equal(json.items.length, 1);
    assert.equal((await ask(`${core}/configmaps`, { query: { fieldSelector: 'type=a' } })).status, 400);
  });

  test('a token of a service account says who it is, and opens the door', async () => {
    await post(`${core}/serviceaccounts`, { metadata: { name: 'robot' } });
    const spec = { expirationSeconds: 600 };
    const { status, json } = await post(`${core}/serviceaccounts/robot/token`, { spec });
    assert.equal(status, 201);
    assert.equal(json.spec.expirationSeconds, 600);
    const left = Date.parse(json.status.expirationTimestamp) - Date.now();
    assert.ok(left > 590_000 && left <= 601_000);
    const { server: address, ca } = server.endpoint;
    const transport = createTransport({
      server: address,
      ...(ca && { ca }),
      insecureSkipVerify: !ca,
      token: json.status.token,
    });
    const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
    const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' });
    const reply = await transport.request({ method: 'POST', path, body, contentType: 'application/json' });
    const { userInfo } = JSON.parse(reply.body.toString()).status;
    assert.equal(userInfo.username, `system:serviceaccount:${namespace}:robot`);
    await ask(`${core}/serviceaccounts/robot`, { method: 'DELETE' });
    transport.close();
  });

  test('refused tokens: too short a life, no such account', async () => {
    await post(`${core}/serviceaccounts`, { metadata: { name: 'short' } });
    const short = await post(`${core}/serviceaccounts/short/token`, { spec: { expirationSeconds: 60 } });
    assert.deepEqual(causes(short), ['spec.expirationSeconds FieldValueInvalid']);
    assert.equal((await post(`${core}/serviceaccounts/none/token`, { spec: {} })).status, 404);
  });

  test('without a token, with a wrong one, and with one for somebody else', async () => {
    await post(`${core}/serviceaccounts`, { metadata: { name: 'elsewhere' } });
    const spec = { audiences: ['https://example.com'] };
    const { json } = await post(`${core}/serviceaccounts/elsewhere/token`, { spec });
    const { server: address, ca } = server.endpoint;
    const expected: [string | undefined, number, string][] = [
      [undefined, 403, 'Forbidden'],
      ['wrong', 401, 'Unauthorized'],
      [json.status.token, 401, 'Unauthorized'],
    ];
    for (const [token, status, reason] of expected) {
      const transport = createTransport({
        server: address,
        ...(ca && { ca }),
        insecureSkipVerify: !ca,
        ...(token && { token }),
      });
      const reply = await transport.request({ method: 'GET', path: `${core}/secrets` });
      assert.equal(reply.status, status);
      assert.equal(JSON.parse(reply.body.toString()).reason, reason);
      transport.close();
    }
  });

  test('a Lease', async () => {
    const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
    const spec = {
      holderIdentity: 'me',
      leaseDurationSeconds: 15,
      acquireTime: '2026-11-21T14:00:00.000000Z',
      renewTime: '2026-11-21T14:00:00.000000Z',
      leaseTransitions: 0,
    };
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'l' }, spec };
    assert.deepEqual((await post(path, lease)).json.spec, spec);
    const bad = { ...lease, metadata: { name: 'm' }, spec: { leaseDurationSeconds: 0 } };
    assert.deepEqual(causes(await post(path, bad)), ['spec.leaseDurationSeconds FieldValueInvalid']);
  });

  test('Events are found by the object that they are about, in both shapes', async () => {
    const event = (name: string, about: string, type: string) => ({
      metadata: { name },
      involvedObject: { kind: 'ImageRepository', name: about, namespace, uid: `uid-${about}` },
      reason: 'Succeeded',
      message: 'found 5 tags',
      type,
      source: { component: 'image-reflector-controller' },
      firstTimestamp: '2026-11-21T14:00:00Z',
      lastTimestamp: '2026-11-21T14:00:00Z',
      count: 3,
    });
    await post(`${core}/events`, event('e1', 'a', 'Normal'));
    await post(`${core}/events`, event('e2', 'b', 'Warning'));
    const find = async (fieldSelector: string) =>
      (await ask(`${core}/events`, { query: { fieldSelector } })).json.items.map(
        (item: { metadata: { name: string } }) => item.metadata.name,
      );
    const about = `involvedObject.namespace=${namespace},involvedObject.kind=ImageRepository`;
    assert.deepEqual(await find(`involvedObject.name=a,involvedObject.uid=uid-a,${about}`), ['e1']);
    assert.deepEqual(await find('type!=Normal,reason=Succeeded'), ['e2']);
    const newer = await ask(`/apis/events.k8s.io/v1/namespaces/${namespace}/events/e1`);
    assert.equal(newer.json.note, 'found 5 tags');
    assert.equal(newer.json.regarding.name, 'a');
    assert.equal(newer.json.deprecatedCount, 3);
    const other = { ...event('e3', 'a', 'Normal'), involvedObject: { name: 'a', namespace: 'other' } };
    assert.deepEqual(causes(await post(`${core}/events`, other)), [
      'involvedObject.namespace FieldValueInvalid',
    ]);
  });

  test('the administrator may', async () => {
    const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
    const spec = { resourceAttributes: { verb: 'create', resource: 'secrets' } };
    const kind = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview' };
    const { status, json } = await post(path, { ...kind, spec });
    assert.equal(status, 201);
    assert.equal(json.status.allowed, true);
  });

  test('our CustomResourceDefinitions can be read', async () => {
    const name = 'imagerepositories.image.toolkit.fluxcd.io';
    const { json } = await ask(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`);
    assert.equal(json.spec.names.kind, 'ImageRepository');
    assert.equal(json.spec.conversion.strategy, 'None');
    const established = json.status.conditions.find(({ type }: { type: string }) => type === 'Established');
    assert.equal(established.status, 'True');
  });
});
