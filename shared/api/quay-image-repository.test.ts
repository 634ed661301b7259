/** The CRD of spec 3.6, on both servers: what is taken, what is refused, and that Flux's kind of the same name is another. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { useKubectl } from '../../test/api/kubectl.ts';
import { MERGE, overBothServers, repositories, repository } from '../../test/api/servers.ts';
import { part } from '../../test/parts/parts.ts';
import { applyDefaults, pruneUnknown, validate } from './admission.ts';
import { type FieldProblem, problemText } from './field-problem.ts';
import { findKind, findKindByPlural } from './kinds.ts';
import { QUAY_IMAGE_REPOSITORY } from './quay-image-repository.ts';
import { QUAY_IMAGE_REPOSITORY_KIND } from './quay-image-repository-schema.ts';

const { group, plural } = QUAY_IMAGE_REPOSITORY;
const NAME_RULE = "'^[a-z0-9][.a-z0-9_-]*(/[a-z0-9][.a-z0-9_-]*)*$'";

const named = (name: string) => ({ image: { name } });

/** 3.2 */
const TAKEN: [title: string, spec: unknown][] = [
  ['no spec', undefined],
  ['an empty spec', {}],
  ...['a', '0a', 'my-image', 'a.b_c-', 'ns/app/comp', 'x__y', 'a'.repeat(300)].map(
    (name): [string, unknown] => [`name ${name.slice(0, 20)}`, named(name)],
  ),
  ['both visibilities', { image: { visibility: 'private' } }],
  [
    'every field',
    {
      image: { name: 'ns/x', visibility: 'public' },
      credentials: {
        'regenerate-token': true,
        'regenerate-namespace-pull-token': false,
        'verify-linking': true,
      },
      notifications: [
        { title: 'a', event: 'repo_push', method: 'webhook', config: { url: 'https://example.com' } },
        { title: 'b', event: 'repo_push', method: 'email', config: { email: 'a@example.com' } },
        {},
      ],
    },
  ],
];

const REFUSED: [title: string, spec: unknown, problem: string][] = [
  ...['', 'wrong&name', 'Upper', '/lead', 'trail/', '-a', 'a//b', 'a/.b'].map(
    (name): [string, unknown, string] => [
      `name ${JSON.stringify(name)}`,
      named(name),
      `spec.image.name: Invalid value: ${JSON.stringify(name)}: spec.image.name in body should match ${NAME_RULE}`,
    ],
  ),
  [
    'an empty visibility',
    { image: { visibility: '' } },
    'spec.image.visibility: Unsupported value: "": supported values: "public", "private"',
  ],
  [
    'another event',
    { notifications: [{ event: 'repo_mirror' }] },
    'spec.notifications[0].event: Unsupported value: "repo_mirror": supported values: "repo_push"',
  ],
  [
    'another method',
    { notifications: [{ method: 'slack' }] },
    'spec.notifications[0].method: Unsupported value: "slack": supported values: "email", "webhook"',
  ],
  [
    'a request that is no boolean',
    { credentials: { 'regenerate-token': 'true' } },
    'spec.credentials.regenerate-token: Invalid value: "string": spec.credentials.regenerate-token in body must be of type boolean: "string"',
  ],
];

const bodyOf = (name: string, spec: unknown) => ({
  apiVersion: `${group}/v1alpha1`,
  kind: QUAY_IMAGE_REPOSITORY.kind,
  metadata: { name },
  ...(spec !== undefined && { spec }),
});

describe('admission by the zod schema', () => {
  const admit = (spec: unknown) => {
    const pruned = pruneUnknown(QUAY_IMAGE_REPOSITORY_KIND, bodyOf('x', spec)).object;
    const object = applyDefaults(QUAY_IMAGE_REPOSITORY_KIND, pruned);
    return { object, problems: validate(QUAY_IMAGE_REPOSITORY_KIND, object).map(problemText) };
  };
  for (const [title, spec] of TAKEN) {
    test(title, () => {
      const { object, problems } = admit(spec);
      assert.deepEqual(problems, []);
      assert.deepEqual(object, bodyOf('x', spec), 'no field has a default');
    });
  }
  for (const [title, spec, problem] of REFUSED) {
    test(title, () => assert.deepEqual(admit(spec).problems, [problem]));
  }

  test('the two kinds are found by their group', () => {
    assert.equal(findKind(group, 'ImageRepository'), QUAY_IMAGE_REPOSITORY_KIND);
    assert.equal(findKindByPlural(group, plural), QUAY_IMAGE_REPOSITORY_KIND);
    assert.notEqual(findKind('image.toolkit.fluxcd.io', 'ImageRepository'), QUAY_IMAGE_REPOSITORY_KIND);
  });
});

overBothServers('ImageRepository of appstudio.redhat.com', [], (server, ask) => {
  let namespace: string;
  const kubectl = useKubectl(server, () => namespace);
  const path = (name = '') =>
    `/apis/${group}/v1alpha1/namespaces/${namespace}/${plural}${name && `/${name}`}`;
  const create = (name: string, spec: unknown, query = {}) =>
    ask(path(), { method: 'POST', body: bodyOf(name, spec), query });

  before(async () => {
    namespace = await server.createNamespace();
  });

  for (const [title, spec] of TAKEN) {
    test(title, async () => {
      const { status, json } = await create('taken', spec, { dryRun: 'All' });
      assert.equal(status, 201, JSON.stringify(json));
      assert.deepEqual([json.spec, json.status], [spec, undefined]);
    });
  }
  for (const [title, spec, problem] of REFUSED) {
    test(title, async () => {
      const { status, json } = await create('refused', spec, { dryRun: 'All' });
      assert.equal(status, 422);
      assert.deepEqual((json.details.causes as FieldProblem[]).map(problemText), [problem]);
    });
  }

  test('the status takes every field, and refuses an empty visibility', async () => {
    assert.equal((await create('with-status', {})).status, 201);
    const patch = (status: unknown) =>
      ask(`${path('with-status')}/status`, { method: 'PATCH', body: { status }, contentType: MERGE });
    const status = {
      state: 'anything',
      message: 'm',
      image: { url: 'quay.io/o/n/x', visibility: 'public' },
      credentials: {
        generationTimestamp: '2023-08-23T14:56:41Z',
        'push-robot-account': 'a',
        'push-secret': 'b',
        'push-remote-secret': 'c',
        'pull-robot-account': 'd',
        'pull-secret': 'e',
        'pull-remote-secret': 'f',
      },
      notifications: [{ title: 't', uuid: 'u' }],
      observedGeneration: 1,
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'Ready',
          message: '',
          lastTransitionTime: '2023-08-23T14:56:41Z',
        },
      ],
    };
    assert.deepEqual((await patch(status)).json.status, status);
    const refused = await patch({ image: { visibility: '' } });
    assert.equal(refused.status, 422);
    assert.match(refused.json.message, /status\.image\.visibility: Unsupported value/);
  });

  test('the other ImageRepository of the same name is another object', async () => {
    assert.equal((await create('same', named('mine'))).status, 201);
    const flux = repository('same', { image: 'ghcr.io/org/app' });
    assert.equal((await ask(repositories(namespace), { method: 'POST', body: flux })).status, 201);
    const ours = await ask(path('same'));
    const theirs = await ask(`${repositories(namespace)}/same`);
    assert.deepEqual(ours.json.spec, named('mine'));
    assert.equal(theirs.json.spec.image, 'ghcr.io/org/app');
    assert.notEqual(ours.json.metadata.uid, theirs.json.metadata.uid);
    await ask(path('same'), { method: 'DELETE' });
    assert.equal((await ask(`${repositories(namespace)}/same`)).status, 200);
  });

  const withKubectl = {
    skip: part('kubectl') === undefined && 'needs kubectl: set LONGSHORE_TOOLS or KUBEBUILDER_ASSETS',
  };

  test('kubectl shows its columns under the full name', withKubectl, async () => {
    assert.equal((await create('shown', {})).status, 201);
    const status = { image: { url: 'quay.io/o/n/x', visibility: 'private' } };
    await ask(`${path('shown')}/status`, { method: 'PATCH', body: { status }, contentType: MERGE });
    const { output } = await kubectl(['get', `${plural}.${group}`, 'shown']);
    assert.match(output, /^NAME +IMAGE +VISIBILITY\nshown +quay\.io\/o\/n\/x +private/);
  });

  test(
    'kubectl takes the bare plural for this kind, and imgrepo for the one of Flux',
    withKubectl,
    async () => {
      const bare = await kubectl(['get', 'imagerepositories']);
      assert.match(bare.output, /^NAME +IMAGE +VISIBILITY\n/);
      const short = await kubectl(['get', 'imgrepo']);
      assert.match(short.output, /^NAME +IMAGE +TAGS +READY/);
    },
  );
});
