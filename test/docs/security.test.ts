/** The tables of docs/security.md against what is granted. `test/chart/rights.test.ts` holds the chart to the same list. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { listFunctions, PROJECT_FOLDER } from '../../infra/bundle/functions.ts';
import { holdersOf } from '../../infra/cli/doctor/needed-rights.ts';
import { RELAY_KINDS } from '../../infra/relay/kinds.ts';
import { RELEASE } from '../../shared/runtime/release.ts';
import { readSettings } from '../../shared/runtime/settings.ts';

const page = readFileSync(join(PROJECT_FOLDER, 'docs/security.md'), 'utf8');

/** The rows between two marks, without the head: the cells of each. */
function rows(mark: string): string[][] {
  const text = new RegExp(`<!-- ${mark}:start -->\n([\\s\\S]*?)<!-- ${mark}:end -->`).exec(page)![1]!;
  const lines = text.trim().split('\n').slice(2);
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** What stands in backticks. */
const coded = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text!);

test('rights in the cluster: one row for each resource of each account', () => {
  const flags = ['--leader-election-id=longshore', '--functions-service-account-prefix=longshore-'];
  const holders = holdersOf({
    name: 'longshore',
    namespace: 'longshore-system',
    release: RELEASE,
    replicas: 1,
    ready: 1,
    serviceAccount: 'longshore',
    settings: readSettings('relay', flags, {}),
    region: '',
    kinds: RELAY_KINDS,
    functions: listFunctions().map(({ name }) => name),
  });
  const granted = holders.flatMap(({ who, rights, ownRights }) =>
    [...rights, ...ownRights].map(({ group, resource, verb, name = '' }) =>
      [who, group ? `${resource}.${group}` : resource, name, verb].join(' '),
    ),
  );
  const told = rows('rbac').flatMap(([who, resource, verbs]) => {
    const [what, name = ''] = coded(resource!);
    return verbs!.split(', ').map((verb) => [who, what, name, verb].join(' '));
  });
  assert.deepEqual(told.toSorted(), [...new Set(granted)].toSorted());
});

test('rights in the account: the actions of every role', () => {
  const told = new Map<string, string[]>();
  for (const [who, actions] of rows('iam')) {
    for (const one of who!.split(', ')) told.set(one, [...(told.get(one) ?? []), ...coded(actions!)]);
  }
  const folder = join(PROJECT_FOLDER, 'infra/aws');
  const files = readdirSync(folder).filter((file) => file.endsWith('.yml') && file !== 'store.yml');
  assert.deepEqual([...told.keys()].sort(), files.map((file) => file.replace('.yml', '')).sort());
  for (const file of files) {
    const granted = actionsIn(parse(readFileSync(join(folder, file), 'utf8'), { logLevel: 'error' }));
    const who = file.replace('.yml', '');
    assert.deepEqual([...new Set(told.get(who))].sort(), granted, who);
  }
});

/** The actions of all statements, but for who may take on a role. */
function actionsIn(value: unknown): string[] {
  const found: string[] = [];
  const look = (inner: unknown): void => {
    if (typeof inner !== 'object' || inner === null) return;
    for (const [name, member] of Object.entries(inner)) {
      if (name === 'AssumeRolePolicyDocument') continue;
      if (name === 'Action') found.push(...[member as string | string[]].flat());
      else look(member);
    }
  };
  look(value);
  return [...new Set(found)].sort();
}
