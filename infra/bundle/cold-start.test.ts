import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bundle } from './bundle.ts';
import { budgetOf, staticPart } from './cold-start.ts';

type Output = Bundle['outputs'][string];

function output(bytes: number, imports: [path: string, kind: string][], inputs: Record<string, number> = {}) {
  return {
    bytes,
    imports: imports.map(([path, kind]) => ({ path, kind })),
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([path, bytesInOutput]) => [path, { bytesInOutput }]),
    ),
    exports: [],
  } as Output;
}

test('the static part is the entry and what static imports reach, each file once', () => {
  const outputs = {
    'handler.mjs': output(
      1000,
      [
        ['chunks/a.mjs', 'import-statement'],
        ['chunks/s3.mjs', 'dynamic-import'],
        ['node:net', 'import-statement'],
      ],
      { 'functions/image-repository/scan.ts': 100, 'node_modules/zod/v4/core/util.js': 300 },
    ),
    'chunks/a.mjs': output(
      200,
      [
        ['chunks/b.mjs', 'import-statement'],
        ['handler.mjs', 'import-statement'],
      ],
      { 'node_modules/zod/index.js': 50 },
    ),
    'chunks/b.mjs': output(30, [['chunks/a.mjs', 'import-statement']], {
      'node_modules/osls/node_modules/@middy/core/index.js': 20,
    }),
    'chunks/s3.mjs': output(50_000, []),
  };
  assert.deepEqual(staticPart(outputs), {
    bytes: 1230,
    shares: [
      { owner: 'zod', bytes: 350 },
      { owner: 'longshore', bytes: 100 },
      { owner: '@middy/core', bytes: 20 },
    ],
  });
});

test('functions that scan have the small budget, those with artifacts the large one', () => {
  assert.deepEqual(budgetOf('image-repository'), { bytes: 300_000, importMs: 40 });
  assert.deepEqual(budgetOf('oci-repository'), { bytes: 900_000, importMs: 160 });
});
