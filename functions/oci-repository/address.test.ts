import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { addressWarning, parseRepositoryUrl, referenceName } from './address.ts';

describe('spec.url (7)', () => {
  for (const [url, name] of [
    ['oci://ghcr.io/acme/manifests/web', 'ghcr.io/acme/manifests/web'],
    [
      'oci://123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app',
      '123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app',
    ],
    ['oci://localhost:5000/app', 'localhost:5000/app'],
    ['oci://10.1.2.3:5000/app', '10.1.2.3:5000/app'],
    ['oci://[::1]:5000/app', '[::1]:5000/app'],
    ['oci://docker.io/acme/app', 'index.docker.io/acme/app'],
    ['oci://acme/app', 'index.docker.io/acme/app'],
    ['oci://docker.io/redis', 'index.docker.io/library/redis'],
    ['oci://example.com', 'index.docker.io/library/example.com'],
    ['oci://ghcr.io/acme/web/', 'ghcr.io/acme/web'],
  ] as const) {
    test(`${url} is ${name}`, () => assert.equal(referenceName(parseRepositoryUrl(url)), name));
  }

  for (const [url, why] of [
    ['oci://ghcr.io/acme/web:v1', /should not include a tag; remove ':v1'$/],
    [`oci://ghcr.io/acme/web@sha256:${'a'.repeat(64)}`, /should not include a digest; remove '@sha256:a+'$/],
    ['oci://ghcr.io/Acme/web', /could not parse reference: ghcr\.io\/Acme\/web$/],
    ['oci://ghcr.io/', /could not parse reference: ghcr\.io\/$/],
    ['oci://', /could not parse reference/],
    ['oci://localhost:5000', /there is no repository after 'localhost:5000'$/],
    ['oci://registry.example:5000', /there is no repository after 'registry\.example:5000'$/],
    ['oci://localhost:5000/', /could not parse reference/],
    ['https://ghcr.io/acme/web', /URL must be in format 'oci:\/\//],
    ['oci://ghcr.io/../web', /could not parse reference/],
    ['oci://ghcr.io/a b', /could not parse reference/],
    [`oci://ghcr.io/${'a'.repeat(256)}`, /could not parse reference/],
  ] as const) {
    test(`${url.slice(0, 60)} stalls`, () => {
      assert.throws(
        () => parseRepositoryUrl(url),
        (error: Error & { reason: string }) => {
          assert.equal(error.reason, 'URLInvalid');
          assert.ok(error.message.startsWith(`URL validation failed for '${url}': `), error.message);
          assert.match(error.message, why);
          return true;
        },
      );
    });
  }

  test('a host without a repository is a name on Docker Hub: worth a line in the log', () => {
    const warning = (url: string) => addressWarning(url, parseRepositoryUrl(url));
    assert.match(warning('oci://example.com')!, /it is read as index\.docker\.io\/library\/example\.com$/);
    assert.equal(warning('oci://redis'), undefined);
    assert.equal(warning('oci://ghcr.io/acme/web'), undefined);
  });
});
