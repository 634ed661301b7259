import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { apiHost, ImageNameError, isHttpCapable, parseImageName, sameCanonicalName } from './image-name.ts';

const HEX = 'a'.repeat(64);
const HTTPS = false;
const ELSE_HTTP = true;

describe('appendix D.1', () => {
  const accepted: [image: string, canonical: string, httpCapable: boolean][] = [
    ['alpine', 'docker.io/library/alpine', HTTPS],
    ['library/alpine', 'docker.io/library/alpine', HTTPS],
    ['docker.io/alpine', 'docker.io/library/alpine', HTTPS],
    ['docker.io/library/alpine', 'docker.io/library/alpine', HTTPS],
    ['index.docker.io/alpine', 'docker.io/library/alpine', HTTPS],
    ['registry-1.docker.io/library/alpine', 'registry-1.docker.io/library/alpine', HTTPS],
    ['org/app', 'docker.io/org/app', HTTPS],
    ['docker.io/org/app', 'docker.io/org/app', HTTPS],
    ['docker.io/a/b/c/d', 'docker.io/a/b/c/d', HTTPS],
    ['docker.io:443/org/app', 'docker.io:443/org/app', HTTPS],
    ['ghcr.io/org/app', 'ghcr.io/org/app', HTTPS],
    ['ghcr.io', 'docker.io/library/ghcr.io', HTTPS],
    ['myhost/app', 'docker.io/myhost/app', HTTPS],
    ['myhost:5000/app', 'myhost:5000/app', HTTPS],
    ['localhost/app', 'localhost/app', HTTPS],
    ['localhost:5000/app', 'localhost:5000/app', ELSE_HTTP],
    ['127.0.0.1:5000/app', '127.0.0.1:5000/app', ELSE_HTTP],
    ['10.1.2.3/app', '10.1.2.3/app', ELSE_HTTP],
    ['[::1]:5000/app', '[::1]:5000/app', ELSE_HTTP],
    ['GHCR.io/org/app', 'GHCR.io/org/app', HTTPS],
    [
      '123456789012.dkr.ecr.us-east-2.amazonaws.com/team/app',
      '123456789012.dkr.ecr.us-east-2.amazonaws.com/team/app',
      HTTPS,
    ],
  ];
  for (const [image, canonical, httpCapable] of accepted) {
    test(`${image} is ${canonical}`, () => {
      const name = parseImageName(image);
      assert.equal(name.canonical, canonical);
      assert.equal(`${name.host}/${name.repository}`, canonical);
      assert.equal(isHttpCapable(name.host, false), httpCapable);
    });
  }

  test('insecure makes every host http-capable', () => {
    const name = parseImageName('example.com/foo');
    assert.equal(isHttpCapable(name.host, false), false);
    assert.equal(isHttpCapable(name.host, true), true);
  });

  const refused: [image: string, message: string][] = [
    ['alpine:3.19', "image 'alpine:3.19' should not include a tag; remove ':3.19'"],
    ['localhost:5000/app:1.0', "image 'localhost:5000/app:1.0' should not include a tag; remove ':1.0'"],
    [
      `ghcr.io/org/app@sha256:${HEX}`,
      `image 'ghcr.io/org/app@sha256:${HEX}' should not include a digest; remove '@sha256:${HEX}'`,
    ],
    [
      `ghcr.io/org/app:1.0@sha256:${HEX}`,
      `image 'ghcr.io/org/app:1.0@sha256:${HEX}' should not include a tag; remove ':1.0'`,
    ],
    [
      'https://ghcr.io/org/app',
      "image 'https://ghcr.io/org/app' should not include URL scheme; remove 'https://'",
    ],
    ['oci://ghcr.io/org/app', "image 'oci://ghcr.io/org/app' should not include URL scheme; remove 'oci://'"],
    ...[
      'ghcr.io/Org/app',
      'Alpine',
      '',
      ' alpine',
      'ghcr.io/org/app:',
      'ghcr.io/org/app?x=1',
      'a.b:c/app',
      'ghcr.io/x:y:z/q',
      'ghcr.io/org/app/',
      'ghcr.io//app',
      '/app',
      'ghcr.io/org/../app',
    ].map((image): [string, string] => [image, `could not parse reference: ${image}`]),
  ];
  for (const [image, message] of refused) {
    test(`'${image}' is refused`, () => {
      assert.throws(() => parseImageName(image), { name: 'ImageNameError', message });
    });
  }
});

describe('image names beyond the table', () => {
  const unparsable = [
    'ghcr.io/org/app\n',
    'ghcr.io:70000/app',
    'ghcr.io:/app',
    'user:pass@ghcr.io/app',
    '[::1/app',
    '[::zz]:5000/app',
    '256.1.1.1/app',
    'ghcr.io/',
    'ghcr.io/./app',
    'ghcr.io/org/app@sha256:abc',
    `ghcr.io/${'a'.repeat(256)}`,
    'bücher.de/app',
  ];
  for (const image of unparsable) {
    test(`'${image.slice(0, 40)}' cannot be parsed`, () => {
      assert.throws(() => parseImageName(image), { message: `could not parse reference: ${image}` });
    });
  }

  test('a path of 255 characters is accepted, and the prefix library/ counts', () => {
    assert.equal(parseImageName(`ghcr.io/${'a'.repeat(255)}`).repository.length, 255);
    assert.throws(() => parseImageName('a'.repeat(255)), ImageNameError);
  });

  test('whatever the text, a name or an ImageNameError comes out, and a name reads as itself', () => {
    const texts = fc.oneof(fc.string(), fc.stringMatching(/^[a-zA-Z0-9.:@/[\]-]{0,40}$/));
    fc.assert(
      fc.property(texts, (text) => {
        try {
          const name = parseImageName(text);
          assert.deepEqual(parseImageName(name.canonical), name);
        } catch (error) {
          assert.ok(error instanceof ImageNameError, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });
});

test('both spellings of Docker Hub are one name (IR-NAM-8)', () => {
  assert.ok(sameCanonicalName('index.docker.io/library/alpine', 'docker.io/library/alpine'));
  assert.ok(!sameCanonicalName('registry-1.docker.io/library/alpine', 'docker.io/library/alpine'));
  assert.ok(!sameCanonicalName('docker.io/library/alpine', 'docker.io/library/nginx'));
  assert.equal(apiHost(parseImageName('alpine')), 'index.docker.io');
  assert.equal(apiHost(parseImageName('ghcr.io/a')), 'ghcr.io');
});

test('hosts that may speak plain http (IR-NAM-9)', () => {
  const rows: [host: string, httpCapable: boolean][] = [
    ['10.0.0.1', true],
    ['172.16.0.1:80', true],
    ['172.31.255.255', true],
    ['172.32.0.1', false],
    ['172.15.0.1', false],
    ['192.168.1.1:5000', true],
    ['192.169.1.1', false],
    ['10.example.com', false],
    ['registry.localhost', true],
    ['registry.localhost:5000', true],
    ['localhost', false],
    ['localhost:80', true],
    ['mylocalhost:80', false],
    ['[::1]', true],
    ['8.8.8.8', false],
  ];
  for (const [host, expected] of rows) assert.equal(isHttpCapable(host, false), expected, host);
});
