import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { QuayImageRepository } from '../../shared/api/quay-image-repository.ts';
import { isRepositoryName, shortRobotName } from '../../shared/quay/names.ts';
import { imageNameOf, imageUrlOf, isOwnRobot, linkOf, robotNameOf, secretNameOf } from './names.ts';

const REGISTRY = { host: 'quay.io', organization: 'my-org' };
const SUFFIX = '101e4e2b63';

interface Given {
  name?: string;
  spec?: string;
  application?: string;
  component?: string;
  url?: string;
}

function object({ name = 'any', spec, application, component, url }: Given): QuayImageRepository {
  return {
    apiVersion: 'appstudio.redhat.com/v1alpha1',
    kind: 'ImageRepository',
    metadata: {
      name,
      namespace: 'test-ns',
      uid: 'u',
      resourceVersion: '1',
      labels: {
        ...(application !== undefined && { 'appstudio.redhat.com/application': application }),
        ...(component !== undefined && { 'appstudio.redhat.com/component': component }),
      },
    },
    spec: spec === undefined ? undefined : { image: { name: spec } },
    ...(url && { status: { image: { url } } }),
  };
}

describe('image name (4.2)', () => {
  const linked = { application: 'my-app', component: 'my-component' };
  const rows: [Given, string][] = [
    [{ name: 'imagerepository-sample' }, 'test-ns/imagerepository-sample'],
    [linked, 'test-ns/my-app/my-component'],
    [{ component: 'my-component' }, 'test-ns/any'],
    [{ application: 'my-app' }, 'test-ns/any'],
    [{ application: '', component: 'my-component' }, 'test-ns/any'],
    [{ ...linked, spec: 'my-image' }, 'test-ns/my-image'],
    [{ spec: 'test-ns/my-image' }, 'test-ns/my-image'],
    [{ spec: '/custom/name' }, 'test-ns/custom/name'],
    [{ spec: 'test-ns' }, 'test-ns/test-ns'],
    [{ spec: 'test-nsx/y' }, 'test-ns/test-nsx/y'],
    // What is provisioned stays, whatever the spec says.
    [{ spec: 'other', url: 'quay.io/my-org/test-ns/first' }, 'test-ns/first'],
    [{ ...linked, url: 'quay.io/my-org/test-ns/a/b' }, 'test-ns/a/b'],
    // An address that reaches elsewhere is none.
    [{ spec: 'x', url: 'quay.io/my-org/other-ns/secret' }, 'test-ns/x'],
    [{ spec: 'x', url: 'quay.io/my-org/test-nsx/secret' }, 'test-ns/x'],
    [{ spec: 'x', url: 'quay.io/other-org/test-ns/secret' }, 'test-ns/x'],
    [{ spec: 'x', url: 'evil.example/my-org/test-ns/secret' }, 'test-ns/x'],
    [{ spec: 'x', url: 'quay.io/my-org/test-ns/' }, 'test-ns/x'],
    [{ spec: 'x', url: 'quay.io/my-org/test-ns/../other-ns/secret' }, 'test-ns/x'],
    [{ spec: 'x', url: 'quay.io/my-org/test-ns/a?b=c' }, 'test-ns/x'],
  ];
  for (const [given, name] of rows) {
    test(JSON.stringify(given), () => assert.equal(imageNameOf(object(given), REGISTRY), name));
  }
});

test('only both labels link an object to a Component (4.1)', () => {
  assert.deepEqual(linkOf(object({ application: 'a', component: 'c' })), {
    application: 'a',
    component: 'c',
  });
  assert.equal(linkOf(object({ component: 'c' })), undefined);
  assert.equal(linkOf(object({ application: 'a', component: '' })), undefined);
});

test('the image URL has host, organization and name (4.3)', () => {
  const own = { host: 'quay.local:8443', organization: 'o' };
  assert.equal(imageUrlOf('test-ns/x', own), 'quay.local:8443/o/test-ns/x');
});

describe('robot names (4.4)', () => {
  const rows: [imageName: string, push: string][] = [
    ['test-ns/imagerepository-sample', 'test_ns_imagerepository_sample_101e4e2b63'],
    ['test-ns/my-app/my-component', 'test_ns_my_app_my_component_101e4e2b63'],
    ['my-image/some.name', 'my_image_some_name_101e4e2b63'],
    ['my__app_tenant_component____name', 'my_app_tenant_component_name_101e4e2b63'],
    ['my_._image_/_repository_-_name_', 'my_image_repository_name_101e4e2b63'],
    ['foo-', 'foo_101e4e2b63'],
  ];
  for (const [imageName, push] of rows) {
    test(imageName, () => {
      assert.equal(robotNameOf(imageName, 'push', SUFFIX), push);
      assert.equal(robotNameOf(imageName, 'pull', SUFFIX), `${push}_pull`);
    });
  }

  test('Quay accepts what is made from any name that it accepts', () => {
    const part = fc.stringMatching(/^[a-z0-9][.a-z0-9_-]{0,90}$/);
    const name = fc.array(part, { minLength: 2, maxLength: 5 }).map((parts) => parts.join('/'));
    const suffix = fc.stringMatching(/^[0-9a-f]{10}$/);
    fc.assert(
      fc.property(name.filter(isRepositoryName), suffix, (imageName, random) => {
        for (const role of ['push', 'pull'] as const) {
          const robot = robotNameOf(imageName, role, random);
          assert.equal(shortRobotName(robot), robot);
          assert.ok(robot.length <= 236);
          assert.ok(isOwnRobot(robot, imageName, role));
        }
      }),
    );
  });

  const owned: [robot: string, role: 'push' | 'pull', own: boolean][] = [
    ['test_ns_x_101e4e2b63', 'push', true],
    ['test_ns_x_101e4e2b6', 'push', true],
    ['test_ns_x_101e4e2b63_pull', 'pull', true],
    ['test_ns_x_101e4e2b63_pull', 'push', false],
    ['test_ns_x_101e4e2b63', 'pull', false],
    ['test_ns_y_101e4e2b63', 'push', false],
    ['test_ns_x_y_101e4e2b63', 'push', false],
    ['test_ns_x_101E4E2B63', 'push', false],
    ['test_ns_x_101e4e2', 'push', false],
    ['ci', 'push', false],
    ['', 'push', false],
  ];
  for (const [robot, role, own] of owned) {
    test(`${robot || '(none)'} is ${own ? '' : 'not '}the ${role} robot of test-ns/x`, () =>
      assert.equal(isOwnRobot(robot, 'test-ns/x', role), own));
  }

  test('robots of releases that did not collapse underscores are known', () => {
    assert.ok(isOwnRobot('test_ns_a__b_101e4e2b63', 'test-ns/a__b', 'push'));
    assert.ok(isOwnRobot('test_ns_a_b_101e4e2b63', 'test-ns/a__b', 'push'));
  });
});

describe('Secret names (4.5)', () => {
  test('of the object', () => {
    assert.equal(secretNameOf('imagerepository-sample', 'push'), 'imagerepository-sample-image-push');
    assert.equal(secretNameOf('imagerepository-sample', 'pull'), 'imagerepository-sample-image-pull');
  });
  test('of a long one: cut, and still a name', () => {
    assert.equal(secretNameOf('a'.repeat(253), 'push'), `${'a'.repeat(220)}-image-push`);
    assert.equal(
      secretNameOf(`${'a'.repeat(218)}.-${'b'.repeat(33)}`, 'push'),
      `${'a'.repeat(218)}-image-push`,
    );
  });
});
