import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type LocalRegistry, startRegistry } from '../../local/registry/registry.ts';
import { runCommand } from '../test-run.ts';

const BUILDS = ['main-a1b2c3-1700000001', 'main-ffee00-1700000900', 'dev-a1-1800000000'];
const PATTERN = '^main-[0-9a-f]+-(?P<ts>[0-9]+)$';

const HEAD = 'apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImagePolicy\nmetadata: {name: app}\n';
const BUILD_POLICY = `${HEAD}spec:
  imageRepositoryRef: {name: app}
  filterTags: {pattern: '${PATTERN}', extract: $ts}
  policy: {numerical: {order: asc}}
`;
const REPOSITORY = `apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: app}
spec: {image: ghcr.io/org/app, interval: 5m}
`;

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-policy-'));
});
after(() => rm(folder, { recursive: true }));

/** Runs `longshore policy`; `input` is standard input. */
function run(args: string[], input = '') {
  return runCommand(['policy', ...args], input);
}

/** The same with `-o json`, as the object that was printed. */
async function runJson(args: string[], input = '') {
  const { code, stdout, stderr } = await run([...args, '-o', 'json'], input);
  return { code, stderr, ...JSON.parse(stdout) };
}

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

describe('what it prints', () => {
  it('a table for people, the tag that is picked first', async () => {
    const tags = '1.0.0\n1.10.0\nlatest\n1.11.0-rc.1\n2.0.0\n';
    const { code, stdout, stderr } = await run(['--semver', '1.x', '--tags', '-'], tags);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.deepEqual(stdout.split('\n'), [
      'Latest tag: 1.10.0',
      '',
      'TAG           VALUE         VERSION       IN RANGE   WHY',
      '1.10.0        1.10.0        1.10.0        yes        chosen',
      '1.0.0         1.0.0         1.0.0         yes        1.10.0 is preferred',
      '2.0.0         2.0.0         2.0.0         no         outside of the range',
      '1.11.0-rc.1   1.11.0-rc.1   1.11.0-rc.1   no         a prerelease, and the range takes none',
      'latest        latest        -             no         not a version',
      '',
    ]);
  });

  it('JSON for programs, every tag exactly once', async () => {
    const args = ['--numerical', 'asc', '--filter', PATTERN, '--extract', '$ts', '--tags', '-'];
    assert.deepEqual(await runJson(args, `${[...BUILDS, ...BUILDS].join('\r\n')}\n\n`), {
      code: 0,
      stderr: '',
      latest: { tag: BUILDS[1], value: '1700000900' },
      error: null,
      tags: [
        { tag: BUILDS[1], value: '1700000900', candidate: true, matches: true, why: 'chosen' },
        {
          tag: BUILDS[0],
          value: '1700000001',
          candidate: true,
          matches: true,
          why: `${BUILDS[1]} is preferred`,
        },
        {
          tag: BUILDS[2],
          value: null,
          candidate: false,
          matches: false,
          why: 'the filter pattern does not match',
        },
      ],
    });
  });

  it('says why nothing fits: exit code 3, with the table', async () => {
    const { code, stdout, stderr } = await run(['--semver', '^3', '--tags', '-'], '1.0.0\n');
    assert.equal(code, 3);
    assert.match(stdout, /^No tag is picked\.\n\nTAG .*\n1\.0\.0 .* outside of the range\n$/);
    assert.equal(
      stderr,
      'longshore policy: unable to determine latest version from provided list (1 tags stored)\n',
    );

    const json = await runJson(['--alphabetical', 'desc', '--tags', '-']);
    const message = 'version list argument cannot be empty (0 tags stored)';
    assert.deepEqual(
      [json.code, json.latest, json.error, json.tags],
      [3, null, { reason: 'Failure', message }, []],
    );
  });

  it('the mark of an editor in front of a text is no part of its first tag', async () => {
    const path = await file('marked', '\uFEFF1.0.0\n0.9.0\n');
    for (const [tags, input] of [
      [path, ''],
      ['-', '\uFEFF1.0.0\n0.9.0\n'],
    ] as const) {
      assert.equal((await runJson(['--semver', '*', '--tags', tags], input)).latest.tag, '1.0.0');
    }
  });

  it('does not let a tag steer the terminal', async () => {
    const { stdout } = await run(['--alphabetical', 'asc', '--tags', '-'], 'a\u001b[2J\n');
    assert.ok(!stdout.includes('\u001b'));
  });
});

describe('a policy in a file', () => {
  it('is found among other documents', async () => {
    const path = await file('app.yaml', `${REPOSITORY}---\n# nothing\n---\n${BUILD_POLICY}`);
    assert.equal((await runJson(['-f', path, '--tags', '-'], BUILDS.join('\n'))).latest.tag, BUILDS[1]);
  });

  it('may be in a list, in JSON, with the status that an API server shows', async () => {
    const policy = {
      apiVersion: 'image.toolkit.fluxcd.io/v1beta2',
      kind: 'ImagePolicy',
      metadata: { name: 'app', resourceVersion: '7' },
      spec: { imageRepositoryRef: { name: 'app' }, policy: { alphabetical: {} } },
      status: { observedGeneration: 3 },
    };
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [policy] });
    const tags = await file('tags', 'a\nb\n');
    assert.equal((await runJson(['-f', '-', '--tags', tags], list)).latest.tag, 'b');
  });

  describe('with several policies', () => {
    const named = (metadata: string, order: string) =>
      `${HEAD.replace('{name: app}', metadata)}spec: {imageRepositoryRef: {name: app}, policy: {alphabetical: {order: ${order}}}}\n`;
    const SEVERAL = [
      named('{name: first}', 'desc'),
      named('{name: last, namespace: prod}', 'asc'),
      named('{name: last, namespace: test}', 'desc'),
    ].join('---\n');

    for (const [name, tag] of [
      ['first', 'a'],
      ['prod/last', 'b'],
      ['test/last', 'a'],
    ] as const) {
      it(`--name ${name}`, async () => {
        const path = await file('several.yaml', SEVERAL);
        const { code, latest } = await runJson(['-f', path, '--name', name, '--tags', '-'], 'a\nb\n');
        assert.deepEqual([code, latest.tag], [0, tag]);
      });
    }

    for (const [name, message] of [
      ['last', "there are 2 policies in it ('prod/last', 'test/last'), choose one by --name"],
      ['other', "there is no ImagePolicy 'other' in it, only 'first', 'prod/last', 'test/last'"],
      ['', "there is no ImagePolicy '' in it, only 'first', 'prod/last', 'test/last'"],
    ] as const) {
      it(`--name '${name}' is not enough`, async () => {
        const path = await file('several.yaml', SEVERAL);
        const { code, stderr } = await run(['-f', path, '--name', name, '--tags', '-']);
        assert.equal(code, 2);
        assert.ok(stderr.startsWith(`longshore policy: ${path}: ${message}\n`), stderr);
      });
    }
  });

  const unusable: [what: string, text: string, message: RegExp][] = [
    ['no policy', REPOSITORY, /there is no ImagePolicy of image\.toolkit\.fluxcd\.io in it$/m],
    ['an empty file', '', /there is no ImagePolicy/],
    [
      'several policies',
      `${BUILD_POLICY}---\n${BUILD_POLICY}`,
      /there are 2 policies in it \('app', 'app'\), choose one by --name$/m,
    ],
    ['no YAML', 'a: [', /app\.yaml: Flow sequence/],
    ['no YAML at all', 'a: *b', /app\.yaml: Unresolved alias/],
  ];
  for (const [what, text, message] of unusable) {
    it(`${what}: exit code 2, without a stack`, async () => {
      const path = await file('app.yaml', text);
      const { code, stdout, stderr } = await run(['-f', path, '--tags', '-']);
      assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /\n {4}at /);
    });
  }

  const spec = (text: string) => `${HEAD}spec: {imageRepositoryRef: {name: app}, ${text}}`;
  const invalid: [text: string, message: string][] = [
    [`${HEAD}spec: {policy: {alphabetical: {}}}`, 'spec.imageRepositoryRef: Required value'],
    [HEAD, 'spec: Required value'],
    [
      spec('policy: {numerical: {order: up}}'),
      'spec.policy.numerical.order: Unsupported value: "up": supported values: "asc", "desc"',
    ],
    [spec('policy: {semver: {}}'), 'spec.policy.semver.range: Required value'],
    [spec('policy: {semver: {range: 1.x}}, filter: x'), 'unknown field "spec.filter"'],
    [
      spec('policy: {semver: {range: 1.x}}, interval: 5m'),
      "spec: Invalid value: spec.interval is only accepted when spec.digestReflectionPolicy is set to 'Always'",
    ],
    [spec('policy: {}'), 'invalid policy: given ImagePolicyChoice object is invalid'],
    [spec('policy: {semver: {range: latest}}'), 'invalid policy: improper constraint: "latest"'],
    [
      BUILD_POLICY.replace('/v1', '/v9'),
      'apiVersion: image.toolkit.fluxcd.io/v9 is not served, only image.toolkit.fluxcd.io/v1, image.toolkit.fluxcd.io/v1beta2, image.toolkit.fluxcd.io/v1beta1',
    ],
  ];
  for (const [text, message] of invalid) {
    it(`invalid: ${message}`, async () => {
      const path = await file('app.yaml', text);
      const json = await runJson(['-f', path, '--tags', '-'], '1.0.0\n');
      assert.deepEqual([json.code, json.latest, json.error], [2, null, { reason: 'InvalidPolicy', message }]);
      assert.deepEqual(json.tags, [
        { tag: '1.0.0', value: null, candidate: false, matches: false, why: 'the policy is invalid' },
      ]);
      const { code, stdout, stderr } = await run(['-f', path, '--tags', '-']);
      assert.deepEqual(
        { code, stdout, stderr },
        { code: 2, stdout: '', stderr: `longshore policy: ${message}\n` },
      );
    });
  }
});

describe('the command line', () => {
  const rows: [args: string, message: string][] = [
    ['', 'a policy is missing: give -f FILE, --semver, --numerical or --alphabetical'],
    ['--tags -', 'a policy is missing: give -f FILE, --semver, --numerical or --alphabetical'],
    ['--semver 1', 'the tags are missing: give --tags FILE or --image NAME'],
    ['--semver 1 --tags a --image b', '--tags and --image exclude each other'],
    [
      '--semver 1 --numerical asc --tags -',
      '--semver and --numerical: only one policy can be tried at a time',
    ],
    ['-f x --semver 1 --tags -', '-f and --semver: only one policy can be tried at a time'],
    ['-f x --filter a --tags -', '--filter and --extract do not go with -f: the file has its own filterTags'],
    ['--semver 1 --name a --tags -', '--name needs -f'],
    ['--semver 1 --extract $1 --tags -', '--extract needs --filter'],
    ['-f - --tags -', '-f - and --tags - cannot both read standard input'],
    [
      '-f - --image a --username u --password-stdin',
      '-f - and --password-stdin cannot both read standard input',
    ],
    ['--semver 1 --image a --username u', '--username needs --password-stdin'],
    ['--semver 1 --image a --password-stdin', '--password-stdin needs --username'],
    ['--semver 1 --tags - --insecure', '--insecure needs --image'],
    ['--semver 1 --tags - --username u', '--username needs --image'],
    ['--semver 1 --tags - -o yaml', "--output: expected table or json (got 'yaml')"],
    ['--semver 1 --tags - tags', "Unexpected argument 'tags'"],
    ['--semver 1 --tags - --bogus', "Unknown option '--bogus'"],
    ['--semver', "Option '--semver <value>' argument missing"],
    ['--semver 1 --tags /none/such', '/none/such: no such file or directory'],
    ['-f /none/such --tags -', '/none/such: no such file or directory'],
    [
      '--semver 1 --image https://a.example/b',
      "--image: image 'https://a.example/b' should not include URL scheme; remove 'https://'",
    ],
  ];
  for (const [args, message] of rows) {
    it(`'${args}': ${message}`, async () => {
      const { code, stdout, stderr } = await run(args.split(' ').filter((arg) => arg !== ''));
      assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
      assert.equal(stderr, `longshore policy: ${message}\nRun 'longshore policy --help' for its flags.\n`);
    });
  }

  it('an invalid shorthand is an invalid policy', async () => {
    const bad = await runJson(['--numerical', 'up', '--tags', '-']);
    assert.equal(bad.code, 2);
    assert.equal(bad.error.reason, 'InvalidPolicy');
    assert.match(bad.error.message, /^invalid policy: invalid order argument provided: 'up'/);
    const { code, stderr } = await run(['--semver', '*', '--filter', '(?!a)', '--tags', '-']);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^longshore policy: failed to filter tags: invalid regular expression pattern '\(\?!a\)': /,
    );
  });
});

describe('the tags of a registry', () => {
  let registry: LocalRegistry;
  before(async () => {
    registry = await startRegistry({
      port: 0,
      auth: {
        scheme: 'basic',
        users: { robot: 'correct-horse' },
        allow: ({ user, repository }) => user === 'robot' || !repository.startsWith('private/'),
      },
      paging: { max: 2 },
    });
    await registry.push('apps/web', ['1.0.0', '1.2.0', '1.10.0', 'latest', `sha256-${'0'.repeat(64)}.sig`]);
    await registry.push('private/web', ['3.0.0']);
  });
  after(() => registry.close());

  it('are scanned over all pages, without signatures', async () => {
    const json = await runJson(['--semver', '1', '--image', `${registry.host}/apps/web`, '--insecure']);
    assert.equal(json.code, 0);
    assert.deepEqual(
      json.tags.map(({ tag }: { tag: string }) => tag),
      ['1.10.0', '1.2.0', '1.0.0', 'latest'],
    );
  });

  const login = ['--username', 'robot', '--password-stdin'];

  it('may need a login', async () => {
    const args = ['--semver', '*', '--image', `${registry.host}/private/web`, '--insecure'];
    const { latest } = await runJson([...args, ...login], 'correct-horse\n');
    assert.equal(latest.tag, '3.0.0');
  });

  it('a registry that fails is exit code 4, and no secret is told', async () => {
    const args = ['--semver', '*', '--image', `${registry.host}/private/web`, '--insecure', ...login];
    const json = await runJson(args, 'wrong-battery');
    assert.deepEqual([json.code, json.latest, json.tags], [4, null, []]);
    assert.equal(json.error.reason, 'ReadOperationFailed');
    assert.match(json.error.message, /^scan failed: GET http:.*401/);
    const { code, stdout, stderr } = await run(args, 'wrong-battery');
    assert.deepEqual({ code, stdout }, { code: 4, stdout: '' });
    assert.equal(stderr, `longshore policy: ${json.error.message}\n`);
    assert.doesNotMatch(stderr, /wrong-battery|cm9ib3Q6/);
  });

  it('is not asked for a policy that cannot pick anything', async () => {
    const before = registry.requests.count();
    const json = await runJson(['--semver', 'x y', '--image', `${registry.host}/apps/web`]);
    assert.deepEqual([json.code, json.tags], [2, []]);
    assert.equal(registry.requests.count(), before);
  });
});
