/** Every link from one page to another, or to a heading, leads somewhere. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { PROJECT_FOLDER } from '../../infra/bundle/functions.ts';

const docs = join(PROJECT_FOLDER, 'docs');
const pages = [
  join(PROJECT_FOLDER, 'README.md'),
  join(PROJECT_FOLDER, 'CHANGELOG.md'),
  ...readdirSync(docs, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(docs, file)),
];

/** Anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): string[] {
  const text = readFileSync(page, 'utf8').replaceAll(/^ *```[\s\S]*?^ *```/gm, '');
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

for (const page of pages) {
  test(relative(PROJECT_FOLDER, page), () => {
    const text = readFileSync(page, 'utf8').replaceAll(/^ *```[\s\S]*?^ *```/gm, '');
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!);
    for (const link of links.filter((each) => !/^[a-z]+:/.test(each))) {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? page : resolve(dirname(page), file);
      assert.ok(existsSync(target), `${link}: there is no such file`);
      if (anchor) assert.ok(anchorsOf(target).includes(anchor), `${link}: there is no such heading`);
    }
  });
}
