/** docs/operations.md tells of every metric that the relay serves, and of every line that it writes. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PROJECT_FOLDER } from '../../infra/bundle/functions.ts';
import { RELAY_KINDS } from '../../infra/relay/kinds.ts';
import { createMetrics } from '../../infra/relay/metrics.ts';
import { createManualClock } from '../../shared/runtime/manual-clock.ts';

const page = readFileSync(join(PROJECT_FOLDER, 'docs/operations.md'), 'utf8');

/** What stands in backticks in the first column of a table below a heading. */
function told(heading: string): string[] {
  const section = page.split(`\n## ${heading}\n`)[1]!.split('\n## ')[0]!;
  const cells = section.split('\n').map((line) => /^\| (.*?) \|/.exec(line)?.[1] ?? '');
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text!));
}

test('every metric', async () => {
  const metrics = createMetrics(createManualClock());
  for (const kind of RELAY_KINDS) metrics.controller(kind);
  let text = '';
  for await (const part of metrics.text()) text += part;
  const served = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!);
  assert.ok(served.length > 20);
  const names = told('Metrics').map((each) => each.replace(/\{.*/, ''));
  assert.deepEqual(
    served.filter((name) => !names.includes(name)),
    [],
  );
});

test('every line of the log', () => {
  const folder = join(PROJECT_FOLDER, 'infra/relay');
  const sources = readdirSync(folder).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  const lines = sources.flatMap((file) =>
    [...readFileSync(join(folder, file), 'utf8').matchAll(/log\.(?:info|error)\(\s*([`'])(.*?)\1/g)].map(
      ([, , text]) => text!.replaceAll(/\$\{[^}]*\}/g, '#'),
    ),
  );
  assert.ok(lines.length > 15);
  const patterns = told('Log lines').map((text) => {
    const parts = text.split(/…|\bN\b/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`);
  });
  assert.deepEqual(
    lines.filter((line) => /[a-z]{4}/.test(line) && !patterns.some((pattern) => pattern.test(line))),
    [],
  );
});
