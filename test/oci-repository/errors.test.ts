/** The rows of the error table (21): condition, reason, words and class; what was published stays. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { FLUX_CONTENT, fluxArtifact, helmChart } from '../../infra/local/registry/artifact.ts';
import { tooManyRequests } from '../../infra/local/registry/faults.ts';
import type { OciRepositorySpec } from '../../shared/api/oci-repository.ts';
import { tarOf } from '../../shared/artifact/test-layer.ts';
import { createFakeCluster } from '../workbench/fake-cluster.ts';
import { assertKstatus } from '../workbench/kstatus.ts';
import { BLOBS, LISTING, MANIFESTS, useSuite } from './suite.ts';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const SCHEMA_1 = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
const DIGEST = `sha256:${'0'.repeat(64)}`;

interface Row {
  name: string;
  spec?: Partial<OciRepositorySpec>;
  prepare?: () => unknown;
  reason: string;
  /** `URL` stands for the address, `NS` for the namespace. */
  message: RegExp;
  condition?: string | undefined;
  result?: 'stalled' | 'retry';
}

describe('the error table', () => {
  const suite = useSuite(
    { kube: createFakeCluster() },
    { speed: 20, settings: { 'max-layer-bytes': '2000' } },
  );
  const { push, secret } = {
    push: (image: Parameters<typeof suite.registry.push>[2]) => suite.registry.push('team/app', 'bad', image),
    secret: (data: Record<string, string>, type?: string) => suite.bench.secret('s', data, type),
  };
  const manifest = (mediaType: string, content: unknown) =>
    suite.registry.pushManifest('team/app', 'bad', {
      mediaType,
      bytes: Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)),
    });
  const layerOf = (data: Buffer | string) => push({ layers: [{ mediaType: FLUX_CONTENT, data }] });
  const answers = (path: RegExp, status: number, code: string) => () =>
    suite.registry.faults.add({ path, status, body: { errors: [{ code, message: 'said the registry' }] } });
  const bad = { ref: { tag: 'bad' } };

  const fetch = 'FetchFailed';
  const url = { reason: 'URLInvalid', condition: fetch, result: 'stalled' } as const;
  const access = { reason: 'AuthenticationFailed', condition: fetch };
  const choice = { reason: 'ReadOperationFailed', condition: fetch };
  const pull = { reason: 'OCIArtifactPullFailed', condition: fetch };
  const layer = { ...bad, reason: 'OCIArtifactLayerOperationFailed', condition: fetch };

  const rows: Row[] = [
    {
      ...url,
      name: 'a digest in the address',
      spec: { url: `oci://ghcr.io/a/b@${DIGEST}` },
      message: /^URL validation failed for 'oci:\/\/ghcr\.io\/a\/b@sha256:0+': .*remove '@sha256:0+'$/,
    },
    {
      ...url,
      name: 'an address without a repository',
      spec: { url: 'oci://' },
      message: /^URL validation failed for 'oci:\/\/': /,
    },
    {
      name: 'the gate of a cloud identity',
      spec: { provider: 'gcp', serviceAccountName: 'puller' },
      prepare: () =>
        suite.bench.kube.create(
          ACCOUNTS,
          { namespace: suite.bench.namespace },
          { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'puller' } },
        ),
      reason: 'FeatureGateDisabled',
      condition: undefined,
      result: 'stalled',
      message: /ObjectLevelWorkloadIdentity/,
    },
    {
      ...access,
      name: 'a Secret is missing',
      spec: { secretRef: { name: 's' } },
      message: /^failed to get credential: secret 'NS\/s' not found$/,
    },
    {
      ...access,
      name: 'a service account is missing',
      spec: { serviceAccountName: 's' },
      message: /^failed to get credential: serviceaccount 'NS\/s' not found$/,
    },
    {
      ...access,
      name: 'a pull secret that cannot be read',
      spec: { secretRef: { name: 's' } },
      prepare: () => secret({ '.dockerconfigjson': '{' }, 'kubernetes.io/dockerconfigjson'),
      message: /^failed to get credential: secret 'NS\/s'/,
    },
    {
      ...access,
      name: 'a proxy without an address',
      spec: { proxySecretRef: { name: 's' } },
      prepare: () => secret({ username: 'a' }),
      message: /^failed to get proxy address: secret 'NS\/s': key 'address' is missing$/,
    },
    {
      ...access,
      name: 'a certificate without its key',
      spec: { certSecretRef: { name: 's' } },
      prepare: () => secret({ 'tls.crt': 'x' }),
      message:
        /^failed to generate transport for 'URL': secret 'NS\/s' contains 'tls\.crt' but missing 'tls\.key'$/,
    },
    {
      ...access,
      name: 'a CA that is none',
      spec: { certSecretRef: { name: 's' } },
      prepare: () => secret({ caFile: 'x' }),
      message: /^failed to generate transport for 'URL': secret 'NS\/s'.*'caFile'/,
    },
    {
      ...access,
      name: 'a provider that we have no identity for',
      spec: { provider: 'gcp' },
      message: /^failed to get credential from gcp: provider 'gcp' needs a Google Cloud workload identity/,
    },
    {
      ...access,
      name: 'the other one',
      spec: { provider: 'azure' },
      message: /^failed to get credential from azure: .*Entra/,
    },
    {
      ...pull,
      name: 'a host that is not of the cloud',
      spec: { provider: 'aws' },
      message: /^failed to determine artifact digest: invalid AWS registry/,
    },
    {
      ...choice,
      name: 'the same, with a range',
      spec: { provider: 'aws', ref: { semver: '1.x' } },
      message: /^failed to determine the artifact tag for 'URL': invalid AWS registry/,
    },
    {
      ...pull,
      name: 'refused credentials',
      prepare: answers(MANIFESTS, 401, 'UNAUTHORIZED'),
      message: /^failed to determine artifact digest: .*401/,
    },
    {
      ...pull,
      name: 'forbidden',
      prepare: answers(MANIFESTS, 403, 'DENIED'),
      message: /^failed to determine artifact digest: GET .* 403 .*DENIED: said the registry$/,
    },
    {
      ...choice,
      name: 'refused credentials, with a range',
      spec: { ref: { semver: '1.x' } },
      prepare: answers(LISTING, 401, 'UNAUTHORIZED'),
      message: /^failed to determine the artifact tag for 'URL': .*401/,
    },
    {
      ...pull,
      name: '503',
      prepare: answers(MANIFESTS, 503, 'UNAVAILABLE'),
      message: /^failed to determine artifact digest: .*503/,
    },
    {
      ...pull,
      name: '429',
      prepare: () => suite.registry.faults.add({ path: MANIFESTS, ...tooManyRequests(1) }),
      message: /^failed to determine artifact digest: .*429/,
    },
    {
      ...pull,
      name: 'nobody listens',
      spec: { url: 'oci://127.0.0.1:1/team/app' },
      message: /^failed to determine artifact digest: .*127\.0\.0\.1:1/,
    },
    {
      ...pull,
      name: 'a tag that is not there',
      spec: { ref: { tag: '0.0.1' } },
      message: /couldn't find tag "0\.0\.1"$/,
    },
    {
      ...pull,
      name: 'a repository that is not there',
      spec: { url: 'oci://HOST/team/nothing' },
      message: /^failed to determine artifact digest: .*NAME_UNKNOWN/,
    },
    {
      ...pull,
      name: 'a tag that is none',
      spec: { ref: { tag: `1@${DIGEST}` } },
      message: /^failed to determine artifact digest: .*move 'sha256:0+' to spec\.ref\.digest$/,
    },
    {
      ...choice,
      name: 'a range that is none',
      spec: { ref: { semver: 'newest' } },
      message: /^failed to determine the artifact tag for 'URL': semver 'newest' parse error: /,
    },
    {
      ...choice,
      name: 'a filter that is none',
      spec: { ref: { semver: '1.x', semverFilter: '(' } },
      message: /^failed to determine the artifact tag for 'URL': invalid semverFilter '\(': /,
    },
    {
      ...choice,
      name: 'a range without a match',
      spec: { ref: { semver: '>9' } },
      message: /^failed to determine the artifact tag for 'URL': no match found for semver: >9$/,
    },
    {
      ...pull,
      name: 'a digest that is none',
      spec: { ref: { digest: 'sha256:1' } },
      message: /^failed to determine artifact digest: 'sha256:1' is no digest/,
    },
    {
      ...pull,
      name: 'a digest that is not there',
      spec: { ref: { digest: DIGEST } },
      message: /^failed to pull artifact from 'URL': GET .*404/,
    },
    {
      ...pull,
      name: 'an index without our platform',
      spec: bad,
      prepare: async () => {
        const image = await suite.registry.push('team/app', [], fluxArtifact({ a: 'b' }));
        await manifest(INDEX, {
          schemaVersion: 2,
          mediaType: INDEX,
          manifests: [{ ...image, platform: { os: 'linux', architecture: 'arm64' } }],
        });
      },
      message:
        /^failed to pull artifact from 'URL': no child with platform linux\/amd64 in index 127\.0\.0\.1:\d+\/team\/app:bad$/,
    },
    {
      ...pull,
      name: 'a manifest of schema 1',
      spec: bad,
      prepare: () => manifest(SCHEMA_1, { schemaVersion: 1 }),
      message: /^failed to pull artifact from 'URL': manifests of type '.*v1\+prettyjws' are not supported$/,
    },
    {
      ...layer,
      name: 'a manifest that is none',
      spec: bad,
      prepare: () => manifest('application/vnd.oci.image.manifest.v1+json', '{"layers": 1}'),
      message: /^failed to parse artifact manifest: layers: /,
    },
    {
      ...layer,
      name: 'no layers',
      spec: bad,
      prepare: () => push({ layers: [] }),
      message: /^no layers found in artifact$/,
    },
    {
      ...layer,
      name: 'no layer of that type',
      spec: { layerSelector: { mediaType: 'a/b' } },
      message: /^failed to find layer with media type 'a\/b' in artifact$/,
    },
    {
      ...layer,
      name: 'bytes that are no archive',
      spec: bad,
      prepare: () => layerOf('no archive'),
      message: /^failed to extract layer contents from artifact: .*requires gzip-compressed body/,
    },
    {
      ...layer,
      name: 'the wrong layer',
      spec: bad,
      prepare: () =>
        push({
          layers: [
            { mediaType: 'a/prov', data: 'x' },
            { mediaType: 'a/chart', data: 'y' },
          ],
        }),
      message:
        /requires gzip-compressed body.*; layers in artifact: \[0\] a\/prov, \[1\] a\/chart; consider spec\.layerSelector\.mediaType$/,
    },
    {
      ...layer,
      name: 'a name that leads out',
      spec: bad,
      prepare: () => layerOf(gzipSync(tarOf([{ path: '../x', content: 'x' }]))),
      message: /^failed to extract layer contents from artifact: .*invalid name.*"\.\.\/x"/,
    },
    {
      ...layer,
      name: 'an archive that is cut',
      spec: bad,
      prepare: () => layerOf(gzipSync(tarOf([{ path: 'x', content: 'x'.repeat(2000) }])).subarray(0, 40)),
      message: /^failed to extract layer contents from artifact: /,
    },
    {
      ...layer,
      name: 'a layer that is too large',
      spec: { layerSelector: { operation: 'copy' }, ...bad },
      prepare: () => push({ layers: [{ mediaType: 'a', data: Buffer.alloc(3000) }] }),
      message: /^failed to copy layer from artifact: .*max-layer-bytes/,
    },
    {
      ...layer,
      name: 'content that is not that of its digest',
      prepare: () => suite.registry.faults.add({ path: BLOBS, corrupt: true }),
      message: /^failed to extract layer contents from artifact: /,
    },
    {
      ...layer,
      name: 'the same, as it is',
      spec: { layerSelector: { operation: 'copy' } },
      prepare: () => suite.registry.faults.add({ path: BLOBS, corrupt: true }),
      message:
        /^failed to copy layer from artifact: GET .*: the content has digest sha256:[0-9a-f]{64}, not sha256:/,
    },
    {
      ...layer,
      name: 'a layer that is not there',
      prepare: answers(BLOBS, 404, 'BLOB_UNKNOWN'),
      message: /^failed to extract layer contents from artifact: GET .*404.*BLOB_UNKNOWN/,
    },
    {
      name: 'a signature',
      spec: { verify: { provider: 'cosign' } },
      reason: 'VerificationError',
      condition: 'SourceVerified',
      message:
        /^failed to verify the signature using provider 'cosign keyless': this release cannot verify signatures/,
    },
    {
      name: 'a signature of notation',
      spec: { verify: { provider: 'notation', secretRef: { name: 'keys' } } },
      reason: 'VerificationError',
      condition: 'SourceVerified',
      message: /^failed to verify the signature using provider 'notation': /,
    },
    {
      name: 'a store that is full',
      prepare: () => {
        suite.bench.hooks.store = ({ verb }) => {
          if (verb === 'put') throw new Error('no space left');
        };
      },
      reason: 'ArchiveOperationFailed',
      condition: 'StorageOperationFailed',
      message: /^unable to archive artifact to storage: no space left$/,
    },
    {
      name: 'a store that is full, as it is',
      spec: { layerSelector: { operation: 'copy' } },
      prepare: () => {
        suite.bench.hooks.store = ({ verb }) => {
          if (verb === 'put') throw new Error('no space left');
        };
      },
      reason: 'ArchiveOperationFailed',
      condition: 'StorageOperationFailed',
      message: /^unable to copy artifact to storage: no space left$/,
    },
    {
      ...pull,
      name: 'no answer in time',
      spec: { timeout: '2s' },
      prepare: () => suite.registry.faults.add({ path: MANIFESTS, delayMs: Number.POSITIVE_INFINITY }),
      message: /^failed to determine artifact digest: .*context deadline exceeded/,
    },
    {
      ...layer,
      name: 'no layer in time',
      spec: { timeout: '2s' },
      prepare: () => suite.registry.faults.add({ path: BLOBS, delayMs: Number.POSITIVE_INFINITY }),
      message: /^failed to extract layer contents from artifact: .*context deadline exceeded/,
    },
  ];

  for (const row of rows) {
    it(row.name, async () => {
      const address = (row.spec?.url ?? suite.url()).replace('HOST', suite.registry.host);
      await suite.create({ ...row.spec, url: address });
      await row.prepare?.();
      const message = new RegExp(
        row.message.source
          .replace("URL'", `${address.replaceAll('/', '\\/').replaceAll('.', '\\.')}'`)
          .replaceAll('NS', suite.bench.namespace),
      );
      for (const attempt of [0, 1]) {
        suite.bench.forget();
        const outcome = await suite.bench.run('web', { attempt });
        assert.equal(outcome.result, row.result ?? 'retry', JSON.stringify(outcome));
        const object = await suite.read();
        assertKstatus(object);
        const { conditions, observedGeneration, artifact } = object.status!;
        const ready = conditions!.find(({ type }) => type === 'Ready')!;
        assert.match(ready.message, message);
        assert.equal(ready.reason, row.reason);
        const types = conditions!
          .map(({ type }) => type)
          .filter((type) => !['Ready', 'Reconciling', 'Stalled'].includes(type));
        assert.deepEqual(types, row.condition ? [row.condition] : []);
        assert.equal(artifact, undefined);
        assert.equal(observedGeneration, row.result === 'stalled' ? 1 : -1);
        const warnings = (await suite.bench.events('web')).filter(({ type }) => type === 'Warning');
        assert.deepEqual([...new Set(warnings.map(({ reason }) => reason))], [row.reason]);
      }
      assert.deepEqual(
        suite.bench.writes().filter(({ on }) => on.startsWith('oci')),
        [],
        'the same failure is written once',
      );
    });
  }

  it('a chart with its provenance in front is no error', async () => {
    await suite.registry.push(
      'team/app',
      'chart',
      helmChart({ name: 'web', version: '1.0.0' }, { provenance: true }),
    );
    await suite.create({ ref: { tag: 'chart' } });
    await suite.run();
    assert.deepEqual(Object.keys(await suite.files()), ['web/Chart.yaml']);
  });
});

const ACCOUNTS = {
  group: '',
  version: 'v1',
  plural: 'serviceaccounts',
  kind: 'ServiceAccount',
  namespaced: true,
};
