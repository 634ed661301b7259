/** For tests: what an API server does with an `OCIRepository`. */
import type { Row } from './admission-rows.ts';
import { OCI_REPOSITORY_KIND } from './oci-repository-schema.ts';

const DURATION = "should match '^\\+?(0|(([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$'";
const GOOD = { url: 'oci://ghcr.io/acme/manifests/web', interval: '10m' };
const DEFAULTS = { provider: 'generic', timeout: '60s' };

const refusedDuration = (field: string, text: string): Omit<Row, 'title'> => ({
  spec: { ...GOOD, [field]: text },
  refused: [`spec.${field}: Invalid value: "${text}": spec.${field} in body ${DURATION}`],
});

const rows: Row[] = [
  { title: 'only what is required', spec: GOOD, stored: { ...GOOD, ...DEFAULTS } },
  { title: 'no spec', refused: ['spec: Required value'] },
  {
    title: 'an empty spec',
    spec: {},
    refused: ['spec.interval: Required value', 'spec.url: Required value'],
  },
  {
    title: 'another scheme',
    spec: { ...GOOD, url: 'https://ghcr.io/acme/web' },
    refused: [
      `spec.url: Invalid value: "https://ghcr.io/acme/web": spec.url in body should match '^oci://.*$'`,
    ],
  },
  {
    title: 'an address that only the run finds bad',
    spec: { ...GOOD, url: 'oci://ghcr.io/acme/web:v1' },
    stored: { ...GOOD, ...DEFAULTS, url: 'oci://ghcr.io/acme/web:v1' },
  },
  ...['0', '0s', '5m0s', '1.5h', '.5m', '5.s', '1h30m10s500ms', '+5m', '90µs'].map((text) => ({
    title: `interval and timeout ${text}, as Go reads it`,
    spec: { ...GOOD, interval: text, timeout: text },
    stored: { ...GOOD, ...DEFAULTS, interval: text, timeout: text },
  })),
  ...['', '5', '-1m', '1d', '5 m', 'm', '++1s'].map((text) => ({
    title: `interval '${text}'`,
    ...refusedDuration('interval', text),
  })),
  { title: 'timeout 1w', ...refusedDuration('timeout', '1w') },
  {
    title: 'every field',
    spec: {
      url: 'oci://registry.example.com:5000/a/b',
      ref: { tag: 'v1', semver: '>=1.0.0', semverFilter: '.*-rc.*', digest: `sha256:${'0'.repeat(64)}` },
      layerSelector: { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', operation: 'copy' },
      provider: 'gcp',
      secretRef: { name: 'regcred' },
      verify: {
        provider: 'notation',
        secretRef: { name: 'keys' },
        matchOIDCIdentity: [{ issuer: '^https://issuer$', subject: 'me' }],
        trustedRootSecretRef: { name: 'root' },
      },
      serviceAccountName: 'puller',
      certSecretRef: { name: 'tls' },
      proxySecretRef: { name: 'proxy' },
      interval: '1h30m',
      timeout: '1h',
      ignore: '/*\n!/deploy\n',
      insecure: true,
      suspend: true,
    },
  },
  {
    title: 'an empty ignore and an empty selector stay',
    spec: { ...GOOD, ignore: '', layerSelector: {}, ref: {} },
    stored: { ...GOOD, ...DEFAULTS, ignore: '', layerSelector: {}, ref: {} },
  },
  {
    title: 'cosign where verify names no provider',
    spec: { ...GOOD, verify: {} },
    stored: { ...GOOD, ...DEFAULTS, verify: { provider: 'cosign' } },
  },
  {
    title: 'words that are not in a list',
    spec: { ...GOOD, provider: 'AWS', layerSelector: { operation: 'move' }, verify: { provider: 'pgp' } },
    refused: [
      'spec.provider: Unsupported value: "AWS": supported values: "generic", "aws", "azure", "gcp"',
      'spec.layerSelector.operation: Unsupported value: "move": supported values: "extract", "copy"',
      'spec.verify.provider: Unsupported value: "pgp": supported values: "cosign", "notation"',
    ],
  },
  {
    title: 'references without a name, an identity without a subject',
    spec: { ...GOOD, secretRef: {}, verify: { matchOIDCIdentity: [{ issuer: 'a' }] } },
    refused: [
      'spec.secretRef.name: Required value',
      'spec.verify.matchOIDCIdentity[0].subject: Required value',
    ],
  },
];

export const OCI_REPOSITORY_ROWS: Row[] = rows.map((row) => ({
  ...row,
  kind: OCI_REPOSITORY_KIND,
  title: `OCIRepository: ${row.title}`,
}));
