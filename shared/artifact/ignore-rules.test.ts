import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseIgnoreRules } from './ignore-rules.ts';
import { archiveOf, filesOf, type LayerEntry, pathsIn, refuses, tarOf } from './test-layer.ts';

/**
 * One row of OCI 14.5: `rules` is `spec.ignore`, or a `.sourceignore` by its directory; `path` ends with a slash when it
 * is a directory.
 */
type Row = [row: number, rules: string | Record<string, string>, path: string, kept: boolean];

const KEEP = true;
const DROP = false;

const DEPLOY = '/*\n!/deploy\n/deploy/**/*.md';
const YAML_ONLY = '*\n!*.yaml';
const NOT_IN_DIR = 'dir/\n!dir/keep.yaml';
const TEXTS = { '.': '*.txt', a: '!keep.txt' };

const ROWS: Row[] = [
  [1, '', '.git/config', DROP],
  [2, '', 'sub/.gitignore', DROP],
  [3, '', '.git', KEEP],
  [4, '', 'a/.github/x.yml', DROP],
  [5, '', 'ci/appveyor.yml', DROP],
  [6, '', 'images/logo.png', DROP],
  [7, '', 'LOGO.PNG', KEEP],
  [8, '', 'release.tar.gz', DROP],
  [9, '', 'charts/dep.tgz', KEEP],
  [10, '', 'env/.sops.yaml', DROP],
  [11, '', 'photos.jpg/readme.md', DROP],
  [12, '', '.dockerignore', KEEP],
  [13, { '.': '' }, '.sourceignore', KEEP],
  [14, '# only a comment', 'images/logo.png', DROP],
  [15, 'docs/', 'images/logo.png', KEEP],
  [16, 'docs/', '.git/config', DROP],
  [17, 'docs/', 'a/docs/index.md', DROP],
  [18, 'docs/', 'docs', KEEP],
  [19, '!.git/\n!.gitignore', '.git/config', KEEP],
  [20, '!.git/\n!.gitignore', '.gitmodules', DROP],
  [21, '!*.zip', 'a.png', KEEP],
  [22, DEPLOY, 'README.md', DROP],
  [23, DEPLOY, 'src/a.yaml', DROP],
  [24, DEPLOY, 'deploy/a.yaml', KEEP],
  [25, DEPLOY, 'deploy/README.md', DROP],
  [26, DEPLOY, 'a/deploy/b.yaml', DROP],
  [27, YAML_ONLY, 'd/a.yaml', KEEP],
  [28, YAML_ONLY, 'd/', DROP],
  [29, '*\n!*/', 'd/a.txt', KEEP],
  [30, '*\n!*/', 'a.txt', DROP],
  [31, NOT_IN_DIR, 'dir/keep.yaml', KEEP],
  [32, NOT_IN_DIR, 'a/dir/keep.yaml', DROP],
  [33, 'dir/*\n!dir/keep.yaml', 'dir/sub/keep.yaml', DROP],
  [34, 'dir/*', 'a/dir/x.yaml', KEEP],
  [35, '/logs', 'a/logs/b', KEEP],
  [36, 'a/b', 'x/a/b', KEEP],
  [37, '/build/', 'build/o.o', DROP],
  [38, '/build/', 'build', KEEP],
  [39, '*.log', 'd.log/keep.txt', DROP],
  [40, '**/tmp', 'a/b/tmp/c', DROP],
  [41, 'abc/**', 'abc/', DROP],
  [42, 'a/**/b', 'a/b', DROP],
  [43, 'a/**/b', 'z/a/b', KEEP],
  [44, '**/foo/bar', 'foo/x/foo/bar', KEEP],
  [45, '**', 'a/b', DROP],
  [46, '/**', 'a/b', KEEP],
  [47, 'x/a**b', 'x/axb', KEEP],
  [48, 'a**b', 'd/axb', DROP],
  [49, 'doc/*.html', 'doc/sub/p.html', KEEP],
  [50, '[^a].txt', 'b.txt', DROP],
  [51, '[!a].txt', 'b.txt', KEEP],
  [52, '[abc', 'a', KEEP],
  [53, '\\#x', '#x', DROP],
  [54, '\\!x', '!x', DROP],
  [55, 'foo  ', 'foo', DROP],
  [56, '  # indented', '  # indented', DROP],
  [57, '!keep\nkeep', 'keep', DROP],
  [58, TEXTS, 'a/b/keep.txt', KEEP],
  [59, TEXTS, 'keep.txt', DROP],
  [60, { a: '/x.txt' }, 'a/x.txt', DROP],
  [61, { a: '/x.txt' }, 'a/b/x.txt', KEEP],
  [62, { '.': '*.yaml', spec: '!*.yaml' }, 'a.yaml', KEEP],
  [63, { 'deep/nested': 'unused.txt' }, 'logo.png', KEEP],
  [64, '/', 'a', KEEP],
  [65, '*/x', 'a/b/x', KEEP],
  [66, 'foo/**/', 'foo/', DROP],
  [67, 'a/*/c/', 'a/b/c/d', DROP],
  [68, 'docs/\r\n', 'docs/a', DROP],
];

/** What the table leaves open, and what goes wrong easily. */
const MORE: Row[] = [
  [101, ' \n\t\n\r\n', 'a.png', DROP],
  [102, '', 'keep/empty/', KEEP],
  [103, 'foo\\ ', 'foo ', DROP],
  [104, 'foo\t', 'foo', KEEP],
  [105, 'a//b', 'a/b', DROP],
  [106, '**/a/**/b', 'x/a/y/z/b/c', DROP],
  [107, '/**/a', 'x/a', DROP],
  [108, '**//a', 'x/a', KEEP],
  [109, 'a/**', 'a/b/c', DROP],
  [110, 'a\\/b', 'a/b', KEEP],
  [111, '?', '\u{1f600}', DROP],
  [112, '!', 'a.png', KEEP],
  [113, '*.PNG', 'a.png', KEEP],
  [114, { '.git/hooks': 'a.png' }, 'a.png', DROP],
  [115, { a: '/' }, 'logo.png', KEEP],
  [116, { a: 'a' }, 'a/', KEEP],
  [117, { 'a/b': '!x', a: 'x' }, 'a/b/x', KEEP],
  [118, { 'a/b': '!x', a: 'x' }, 'a/c/x', DROP],
  [119, '.sourceignore', '.sourceignore', DROP],
  [120, '/x', '.travis.yml', KEEP],
];

describe('the ignore rules', () => {
  for (const [row, rules, path, kept] of [...ROWS, ...MORE]) {
    test(`row ${row}: ${JSON.stringify(rules)} ${kept ? 'keeps' : 'drops'} ${path}`, async () => {
      const { spec, ...files } = typeof rules === 'string' ? { spec: rules } : rules;
      const directory = path.endsWith('/');
      const name = directory ? path.slice(0, -1) : path;
      const layer: LayerEntry[] = Object.entries(files).map(([folder, content]) => ({
        path: `${folder}/.sourceignore`,
        content,
      }));
      layer.unshift(directory ? { path, type: 'Directory' } : { path, content: 'x' });
      const paths = pathsIn(await archiveOf(layer, { ignore: spec }));
      assert.equal(paths.includes(name), kept, paths.join(' '));
    });
  }

  test('a file stays in a directory that goes', async () => {
    const archive = await archiveOf(filesOf({ 'dir/keep.yaml': '', 'dir/other.yaml': '' }), {
      ignore: NOT_IN_DIR,
    });
    assert.deepEqual(pathsIn(archive), ['.', 'dir/keep.yaml']);
  });

  test('a line that is too long is refused, wherever it stands', async () => {
    const long = 'x'.repeat(65_537);
    const layer = tarOf(filesOf({ 'a/.sourceignore': `ok\n${long}` }));
    await refuses(layer, 'ignore', /line 2 of a .sourceignore file is longer than 65536 bytes/);
    await refuses(tarOf([]), 'ignore', /line 1 of spec.ignore/, { ignore: long });
    assert.equal(parseIgnoreRules(long.slice(1), 'text').length, 1);
  });

  test('ignore files are small, or refused', async () => {
    const folders = Array.from({ length: 5 }, (_, index) => [
      `d${index}/.sourceignore`,
      '#\n'.repeat(30_000),
    ]);
    await refuses(tarOf(filesOf(Object.fromEntries(folders))), 'ignore', /more than 262144 bytes in all/);
  });

  test('no text makes the matcher throw or hang', () => {
    const alphabet = fc.constantFrom(...'ab*?[]^!-\\/# .\r\u00e9'.split(''), '\u{1f600}');
    const lines = fc.string({ unit: alphabet, maxLength: 40 });
    fc.assert(
      fc.property(
        lines,
        fc.array(lines, { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        (text, path, directory) => {
          for (const rule of parseIgnoreRules(text, 'text')) rule.matches(path, directory);
        },
      ),
    );
  });
});
