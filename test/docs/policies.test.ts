/** `docs/policies.md`: every manifest picks the tag that the page marks, by the command that the page names. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runCli } from '../../infra/cli/cli.ts';

const PAGE = await readFile(new URL('../../docs/policies.md', import.meta.url), 'utf8');
const RECIPE =
  /^## (?<title>[^\n]+)\n(?:(?!^## ).)*?^```yaml\n(?<manifest>.*?)^```\n+```text\n(?<tags>.*?)^```/gms;
const PICKED = /^(\S+) +<- picked$/m;

interface Recipe {
  title: string;
  manifest: string;
  tags: string[];
  picked: string | undefined;
}

const recipes = [...PAGE.matchAll(RECIPE)].map((match): Recipe => {
  const { title, manifest, tags } = match.groups as Record<'title' | 'manifest' | 'tags', string>;
  return {
    title,
    manifest,
    tags: tags
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[0]!),
    picked: PICKED.exec(tags)?.[1],
  };
});

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-recipes-'));
});
after(() => rm(folder, { recursive: true }));

async function pick(manifest: string, tags: string[]): Promise<string | undefined> {
  const [policyFile, tagFile] = [join(folder, 'policy.yaml'), join(folder, 'tags.txt')];
  await writeFile(policyFile, manifest);
  await writeFile(tagFile, tags.join('\n'));
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const code = await runCli(
    ['policy', '-f', policyFile, '--tags', tagFile, '-o', 'json'],
    {
      stdout: { write: (text) => stdout.push(text) },
      stderr: { write: (text) => stderr.push(text) },
      environment: {},
    },
    new AbortController().signal,
  );
  assert.deepEqual({ code, stderr }, { code: 0, stderr: [] });
  return JSON.parse(stdout.join('')).latest.tag;
}

for (const { title, manifest, tags, picked } of recipes) {
  test(`recipe: ${title}`, async () => {
    assert.ok(picked, 'one tag is marked');
    assert.equal(await pick(manifest, tags), picked);
    assert.equal(await pick(manifest, tags.toReversed()), picked);
  });
}

test('every manifest of the page is a recipe that was run', () => {
  assert.equal(recipes.length, PAGE.match(/^```yaml$/gm)?.length);
  assert.ok(recipes.length >= 15);
});

test('every link within the page leads somewhere', () => {
  const anchors = [...PAGE.matchAll(/^## (.+)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replaceAll(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  );
  for (const [, anchor] of PAGE.matchAll(/\]\(#([^)]+)\)/g)) assert.ok(anchors.includes(anchor!), anchor);
});
