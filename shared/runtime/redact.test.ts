import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunSecrets, redact } from './redact.ts';

for (const [text, expected] of [
  ['GET https://user:s3cr3t@ghcr.io/v2/', 'GET https://***@ghcr.io/v2/'],
  ['Authorization: Bearer abcdefghij', 'Authorization: ***'],
  ['sent Basic dXNlcjpwYXNz', 'sent Basic ***'],
  [
    'https://auth/token?token=abc&scope=repository:a/b:pull',
    'https://auth/token?token=***&scope=repository:a/b:pull',
  ],
  ['{"access_token":"abc","expires_in":60}', '{"access_token":"***","expires_in":60}'],
  ['password=hunter2 and more', 'password=*** and more'],
  ['X-Amz-Signature=deadbeef&X-Amz-Date=1', 'X-Amz-Signature=***&X-Amz-Date=1'],
] as const) {
  test(`masks: ${text}`, () => assert.equal(redact(text), expected));
}

for (const text of [
  "secret 'apps/regcred' not found",
  'scan failed: GET https://ghcr.io/v2/org/app/tags/list: unexpected status code 401 Unauthorized',
  'successful scan: found 3 tags with checksum sha256:6c47cd',
  'the token was refused',
]) {
  test(`leaves as it is: ${text}`, () => assert.equal(redact(text), text));
}

test('the secrets of a run are masked wherever they stand, in base64 too', () => {
  const secrets = new RunSecrets();
  secrets.add('canary-7f3a');
  const encoded = Buffer.from('canary-7f3a').toString('base64');
  assert.equal(secrets.scrub(`x canary-7f3a y ${encoded}`), 'x *** y ***=');
});

test('a value that contains another one is masked whole', () => {
  const secrets = new RunSecrets();
  secrets.add('canary');
  secrets.add('canary-long');
  assert.equal(secrets.scrub('canary-long'), '***');
});

test('values too short to be told from text stay', () => {
  const secrets = new RunSecrets();
  secrets.add('a');
  assert.equal(secrets.scrub('a cat'), 'a cat');
});

test('a long text is no way to keep the process busy', { timeout: 10_000 }, () => {
  for (const part of ['x', 'token', ' ', '://', 'http://a', 'Basic ']) {
    const text = part.repeat(1_000_000 / part.length);
    assert.equal(redact(text).length, text.length);
  }
});
