import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environmentName, readSettings, SETTINGS, SettingsError } from './settings.ts';

test('nothing given: the defaults of the table', () => {
  const settings = readSettings('relay', [], {});
  assert.equal(settings['min-retry-delay'], 750);
  assert.equal(settings['max-retry-delay'], 900_000);
  assert.deepEqual(settings.namespace, []);
  assert.equal(settings['aws-autologin-for-ecr'], false);
});

test('a flag wins over the environment, the environment over the default', () => {
  assert.equal(readSettings('relay', ['--log-level', 'error'], { LOG_LEVEL: 'debug' })['log-level'], 'error');
  assert.equal(readSettings('relay', [], { LOG_LEVEL: 'debug' })['log-level'], 'debug');
});

test('overrides stand below the environment', () => {
  const overrides = { 'allow-loopback-addresses': 'true' };
  assert.equal(readSettings('up', [], {}, overrides)['allow-loopback-addresses'], true);
  const environment = { ALLOW_LOOPBACK_ADDRESSES: 'false' };
  assert.equal(readSettings('up', [], environment, overrides)['allow-loopback-addresses'], false);
});

test('a true/false flag may stand alone, a list may repeat', () => {
  const args = ['--aws-autologin-for-ecr', '--namespace', 'a', '--namespace=b,c'];
  const settings = readSettings('up', args, {});
  assert.equal(settings['aws-autologin-for-ecr'], true);
  assert.deepEqual(settings.namespace, ['a', 'b', 'c']);
});

test('every problem is told at once, each with its name and what is expected', () => {
  const args = ['--concurrent=0', '--watch-label-selector=a;b', '--feature-gates=X'];
  assert.throws(
    () => readSettings('up', args, { MIN_RETRY_DELAY: '5' }),
    (error: Error) =>
      error instanceof SettingsError &&
      /^--concurrent: at least 1/m.test(error.message) &&
      /^--watch-label-selector: expected a label selector/m.test(error.message) &&
      /^--feature-gates: expected Name=true/m.test(error.message) &&
      /^MIN_RETRY_DELAY: invalid duration '5'/m.test(error.message),
  );
});

const REFUSED: [flag: string, value: string, problem: RegExp][] = [
  ['namespace', 'apps,_bad', /names of namespaces/],
  ['watch-label-selector', 'a=b=c', /label selector/],
  ['watch-label-selector', '((', /label selector/],
  ['watch-label-selector', 'a=b,', /label selector/],
  ['metrics-addr', ':99999', /at most 65535/],
  ['health-addr', 'localhost', /HOST:PORT/],
  ['min-retry-delay', '0s', /longer than 0s/],
  ['max-retry-delay', '0s', /longer than 0s/],
];

for (const [flag, value, problem] of REFUSED) {
  test(`--${flag}=${value} is refused before anything starts`, () => {
    assert.throws(() => readSettings('up', [`--${flag}=${value}`], {}), problem);
  });
}

test('a problem is told once, and so is its value', () => {
  const args = ['--metrics-addr=nope', '--min-retry-delay=5'];
  assert.throws(() => readSettings('up', args, {}), {
    message:
      "--min-retry-delay: invalid duration '5': expected a form like 5m, 1h30m or 90s\n" +
      "--metrics-addr: expected HOST:PORT or :PORT (got 'nope')",
  });
});

test('label selectors in every form that Kubernetes has', () => {
  for (const selector of [
    '',
    'team',
    '!team',
    'team=a',
    'team==a, tier!=db',
    'env in (dev,test),app.kubernetes.io/name notin (x)',
    'team=',
    'size>3',
  ]) {
    assert.equal(
      readSettings('up', ['--watch-label-selector', selector], {})['watch-label-selector'],
      selector,
    );
  }
});

test('the base of artifact URLs: a host alone means http, no slash at the end (OCI 16.2)', () => {
  const base = (value: string) =>
    readSettings('functions', [], { ARTIFACT_BASE_URL: value })['artifact-base-url'];
  for (const [value, expected] of [
    ['', ''],
    [
      'source-controller.flux-system.svc.cluster.local.',
      'http://source-controller.flux-system.svc.cluster.local.',
    ],
    ['127.0.0.1:9090', 'http://127.0.0.1:9090'],
    ['[::1]:9090/', 'http://[::1]:9090'],
    ['http://relay/', 'http://relay'],
    [
      'https://bucket.s3.eu-west-1.amazonaws.com/prefix/default/artifacts//',
      'https://bucket.s3.eu-west-1.amazonaws.com/prefix/default/artifacts',
    ],
    ['cdn.example/a', 'http://cdn.example/a'],
  ]) {
    assert.equal(base(value!), expected);
  }
  for (const value of [
    'ftp://x',
    'http://',
    'http://user@host',
    'host?query',
    'http://h/#f',
    'a b',
    'host:port',
    '/path',
  ]) {
    assert.throws(() => base(value), /^SettingsError: ARTIFACT_BASE_URL: expected /, value);
  }
});

test('a flag of another user is refused', () => {
  assert.throws(() => readSettings('up', ['--lambda-endpoint=http://x'], {}), SettingsError);
});

test('a default service account needs the feature gate', () => {
  assert.throws(
    () => readSettings('up', ['--default-service-account=scanner'], {}),
    /ObjectLevelWorkloadIdentity/,
  );
  const args = ['--default-service-account=scanner', '--feature-gates=ObjectLevelWorkloadIdentity=true'];
  assert.equal(readSettings('up', args, {})['default-service-account'], 'scanner');
});

test('every setting has a help text, and its default is valid', () => {
  for (const [name, { help, schema, default: fallback }] of Object.entries(SETTINGS)) {
    assert.match(help, /\.$/, name);
    assert.ok(schema.safeParse(fallback).success, name);
    assert.match(environmentName(name), /^[A-Z_]+$/);
  }
});
