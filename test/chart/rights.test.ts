/** One truth about rights: what the chart grants is what the doctor asks for (`outside` of a scope: `install.test.ts`). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Installation } from '../../infra/cli/doctor/installation.ts';
import { holdersOf, type Right } from '../../infra/cli/doctor/needed-rights.ts';
import { RELAY_KINDS } from '../../infra/relay/kinds.ts';
import { RELEASE } from '../../shared/runtime/release.ts';
import { readSettings } from '../../shared/runtime/settings.ts';
import { needs } from '../parts/parts.ts';
import { argsOf, type Manifest, merge, REQUIRED, render } from './helm.ts';
import { VALUE_SETS } from './values.ts';

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

const textOf = ({ group, resource, verb, name = '' }: Right) => [group, resource, verb, name].join(' ');

/** Every right in the rules of a Role or ClusterRole, once. */
function granted(manifests: Manifest[], name: string): string[] {
  const roles = manifests.filter(
    ({ kind, metadata }) => /^(Cluster)?Role$/.test(kind) && metadata.name === name,
  );
  const rules = roles.flatMap((role) => role.rules as Rule[]);
  const texts = rules.flatMap(({ apiGroups, resources, verbs, resourceNames = [''] }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.flatMap((verb) => resourceNames.map((named) => textOf({ group, resource, verb, name: named }))),
      ),
    ),
  );
  return [...new Set(texts)].sort();
}

describe('rights of the chart', needs('helm'), () => {
  for (const [set, { namespace, values }] of Object.entries(VALUE_SETS)) {
    test(`values '${set}': those that longshore doctor asks for, and no others`, async () => {
      const manifests = await render(merge(REQUIRED, values), namespace);
      const settings = readSettings('relay', argsOf(manifests), {});
      const kinds = RELAY_KINDS.filter(({ group }) => settings['api-groups'].includes(group));
      const functions = [...new Set(kinds.map(({ functionName }) => functionName))];
      const prefix = 'longshore';
      const installation: Installation = {
        name: prefix,
        namespace,
        release: RELEASE,
        replicas: 1,
        ready: 1,
        serviceAccount: prefix,
        settings,
        region: '',
        kinds,
        functions,
      };
      // Off by default, and asked for by nobody before an object wants it.
      const isOptional = (text: string) => text === ' serviceaccounts/token create ';
      for (const { who, rights, ownRights } of holdersOf(installation)) {
        const needed = (of: Right[]) => [...new Set(of.map(textOf))].sort();
        const given = granted(manifests, `${prefix}-${who}`).filter((text) => !isOptional(text));
        assert.deepEqual(given, needed(rights), who);
        if (who === 'relay') assert.deepEqual(granted(manifests, `${prefix}-relay-own`), needed(ownRights));
      }
    });
  }
});
