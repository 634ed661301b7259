import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { artifactKey, artifactPath, isArtifactPath, latestPath } from './artifact-path.ts';

const OWNER = { namespace: 'apps', name: 'web.v1' };
const HEX = 'ab'.repeat(32);

describe('paths of artifacts (16.1)', () => {
  test('the file is named by the hex digits of the revision, whatever its form', () => {
    const path = `ocirepository/apps/web.v1/${HEX}.tar.gz`;
    assert.equal(artifactPath(OWNER, `1.4.2@sha256:${HEX}`), path);
    assert.equal(artifactPath(OWNER, `sha256:${HEX}`), path);
    assert.equal(
      artifactPath(OWNER, `sha256:${HEX}`, '0123456789abcdef'),
      path.replace('.tar', '-0123456789ab.tar'),
    );
    assert.equal(latestPath(OWNER), 'ocirepository/apps/web.v1/latest.tar.gz');
    assert.equal(artifactKey('c1', path), `c1/artifacts/${path}`);
  });

  for (const file of [
    `${HEX}.tar.gz`,
    `${HEX}-0123456789ab.tar.gz`,
    'latest.tar.gz',
    `${HEX}${HEX}.tar.gz`,
  ]) {
    test(`knows ${file.slice(-30)}`, () => assert.ok(isArtifactPath(`ocirepository/apps/web.v1/${file}`)));
  }

  for (const path of [
    '',
    'ocirepository/apps/web',
    'ocirepository/apps/web/',
    'ocirepository/apps/web/other.tar.gz',
    `ocirepository/apps/web/sha256:${HEX}.tar.gz`,
    `ocirepository/apps/web/${HEX}.tar`,
    `ocirepository/apps/web/${HEX}.tar.gz/x`,
    `ocirepository/apps/web/${HEX}.tar.gz\n`,
    `ocirepository/apps/../${HEX}.tar.gz`,
    `ocirepository/../web/${HEX}.tar.gz`,
    `ocirepository/apps//${HEX}.tar.gz`,
    `ocirepository/a/b/c/${HEX}.tar.gz`,
    `ocirepository/apps/we%2Fb/${HEX}.tar.gz`,
    `/ocirepository/apps/web/${HEX}.tar.gz`,
    `gitrepository/apps/web/${HEX}.tar.gz`,
    `ocirepository/apps/web/${HEX.toUpperCase()}.tar.gz`,
  ]) {
    test(`knows nothing of ${JSON.stringify(path)}`, () => assert.equal(isArtifactPath(path), false));
  }
});
