import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAuthority } from '../../test/parts/certificates.ts';
import type { KubeClient } from '../kube/client.ts';
import { KubeError } from '../kube/errors.ts';
import { systemTls } from '../oci/tls-material.ts';
import { RunSecrets } from '../runtime/redact.ts';
import { type QuaySettings, readQuayAccess } from './access.ts';

const signal = new AbortController().signal;
const UNSET: QuaySettings = {
  'quay-api-url': '',
  'quay-org': '',
  'quay-registry-host': '',
  'quay-additional-ca': '',
};
const SECRET = { organization: 'my-org', quaytoken: 'the-token' };

function read(data: Record<string, string> | undefined, settings: Partial<QuaySettings> = {}) {
  const secrets = new RunSecrets();
  const asked: unknown[] = [];
  const kube = {
    async get(_resource: unknown, ref: unknown) {
      asked.push(ref);
      if (!data) return undefined;
      const encoded = Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
      return { data: Object.fromEntries(encoded) };
    },
  } as unknown as KubeClient;
  const source = { kube, settings: { ...UNSET, ...settings }, secrets, proxies: () => undefined };
  return { access: readQuayAccess(source, signal), secrets, asked };
}

test('the documented Secret: quay.io, space and line feeds around values taken off', async () => {
  const { access, asked } = read({ organization: ' my-org\n', quaytoken: 'the-token\n' });
  const { apiUrl, organization, token, registryHost, tls } = await access;
  assert.deepEqual(
    { apiUrl, organization, token, registryHost },
    { apiUrl: 'https://quay.io/api/v1', organization: 'my-org', token: 'the-token', registryHost: 'quay.io' },
  );
  assert.equal(tls, systemTls());
  assert.deepEqual(asked, [{ namespace: 'image-controller-system', name: 'quaytoken' }]);
});

test('C84, C85 a Quay of our own: the host of images is that of the API, with its port, or another', async () => {
  const own = { ...SECRET, quayapiurl: 'https://quay.local:8443/api/v1/' };
  assert.equal((await read(own).access).apiUrl, 'https://quay.local:8443/api/v1');
  assert.equal((await read(own).access).registryHost, 'quay.local:8443');
  const host = { 'quay-registry-host': 'images.local' };
  assert.equal((await read(own, host).access).registryHost, 'images.local');
});

test('a Secret that we may not read is for an operator; a server that fails is not', async () => {
  for (const [status, name] of [
    [403, 'QuayError'],
    [500, 'KubeError'],
  ] as const) {
    const kube = {
      get: () => Promise.reject(new KubeError('secrets "quaytoken" is refused', { status, reason: 'x' })),
    } as unknown as KubeClient;
    const source = { kube, settings: UNSET, secrets: new RunSecrets() };
    await assert.rejects(readQuayAccess(source, signal), {
      name,
      message: /secrets "quaytoken" is refused$/,
    });
  }
});

test('settings win over the Secret', async () => {
  const settings = { 'quay-api-url': 'http://127.0.0.1:1/api/v1', 'quay-org': 'other' };
  const { apiUrl, organization } = await read({ ...SECRET, quayapiurl: 'https://x/api/v1' }, settings).access;
  assert.deepEqual([apiUrl, organization], ['http://127.0.0.1:1/api/v1', 'other']);
});

test('what is missing or unusable is a problem of the configuration that names it', async () => {
  const where = "secret 'image-controller-system/quaytoken'";
  const rows: [Record<string, string> | undefined, Partial<QuaySettings>, string][] = [
    [undefined, {}, `${where} not found`],
    [{}, {}, `${where}: key 'quaytoken' is missing or empty`],
    [{ quaytoken: ' \n', organization: 'o' }, {}, `${where}: key 'quaytoken' is missing or empty`],
    [
      { quaytoken: 'a\r\nb', organization: 'o' },
      {},
      `${where}: key 'quaytoken' holds more than one word of plain text`,
    ],
    [{ quaytoken: 't' }, {}, `${where}: key 'organization' is missing or empty`],
    [
      { quaytoken: 't', organization: '../x' },
      {},
      `${where}: key 'organization' is no name of an organization`,
    ],
    [{ ...SECRET, 'ca.crt': 'none' }, {}, `${where}: 'ca.crt' holds no PEM certificate`],
  ];
  for (const [data, settings, message] of rows) {
    await assert.rejects(read(data, settings).access, { name: 'QuayError', kind: 'configuration', message });
  }
  for (const quayapiurl of [
    'quay.io',
    'ftp://quay.io',
    'https://u:p@quay.io/api/v1',
    'https://quay.io/api/v1?x=y',
  ]) {
    await assert.rejects(read({ ...SECRET, quayapiurl }).access, {
      kind: 'configuration',
      message: `the API URL of Quay (--quay-api-url, or key 'quayapiurl' of ${where}) is no http or https URL`,
    });
  }
});

test('authorities from a file, else from the Secret', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'quay-ca-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'ca.pem');
  const { ca: cert } = await createAuthority('Quay CA');
  await writeFile(file, cert);
  const fromFile = await read(SECRET, { 'quay-additional-ca': file }).access;
  const fromSecret = await read({ ...SECRET, 'ca.crt': cert }).access;
  assert.notEqual(fromFile.tls.fingerprint, '');
  assert.equal(fromSecret.tls.fingerprint !== '', true);
  await writeFile(file, 'none');
  const problems: [string, RegExp][] = [
    [file, /^--quay-additional-ca: '.*ca\.pem' holds no PEM certificate$/],
    [join(folder, 'absent'), /^--quay-additional-ca: ENOENT/],
  ];
  for (const [path, message] of problems) {
    await assert.rejects(read(SECRET, { 'quay-additional-ca': path }).access, {
      kind: 'configuration',
      message,
    });
  }
});

test('C82 the token is known to the secrets of the run, the organization stays readable', async () => {
  const { access, secrets } = read(SECRET);
  await access;
  const encoded = Buffer.from('the-token').toString('base64');
  assert.equal(secrets.scrub(`my-org the-token ${encoded}`), 'my-org *** ***');
});
