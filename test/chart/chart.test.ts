/** The chart without a cluster: what it renders, what it refuses, and that its values are told. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isMap, isPair, isScalar, type Pair, parseDocument, parse as parseYaml, stringify } from 'yaml';
import { CHART_CRDS, CHART_GROUPS, chartCrds } from '../../infra/bundle/chart-crds.ts';
import { listFunctions } from '../../infra/bundle/functions.ts';
import { RELAY_KINDS } from '../../infra/relay/kinds.ts';
import { customResourceDefinition } from '../../shared/api/crd.ts';
import { KINDS } from '../../shared/api/kinds.ts';
import { RELEASE } from '../../shared/runtime/release.ts';
import { readSettings, SETTINGS, type SettingName } from '../../shared/runtime/settings.ts';
import { needs } from '../parts/parts.ts';
import { argsOf, CHART, find, helm, merge, REQUIRED, render } from './helm.ts';
import { VALUE_SETS } from './values.ts';

const GOLDEN = join(import.meta.dirname, 'golden');

const read = (file: string) => readFileSync(join(CHART, file), 'utf8');

interface Leaf {
  path: string;
  explained: boolean;
}

/** Every value that a user can set, and whether a comment stands above it or above a map that it is in. */
function leavesOf(node: unknown, path: string, explained: boolean): Leaf[] {
  if (!isMap(node)) return [{ path, explained }];
  return node.items.flatMap((pair: Pair, at) => {
    assert.ok(isPair(pair) && isScalar(pair.key));
    // The first key of a map carries its comment on the map.
    const comment = pair.key.commentBefore ?? (at === 0 ? node.commentBefore : undefined);
    const inner = path ? `${path}.${pair.key.value}` : String(pair.key.value);
    const isLeaf = !isMap(pair.value) || pair.value.items.length === 0;
    const told = Boolean(comment) || explained;
    return isLeaf ? [{ path: inner, explained: told }] : leavesOf(pair.value, inner, told);
  });
}

describe('chart: its files', () => {
  test('at most 40 values, each with a comment', () => {
    const leaves = leavesOf(parseDocument(read('values.yaml')).contents, '', false);
    assert.ok(leaves.length > 20 && leaves.length <= 40, `${leaves.length} values`);
    const silent = leaves.filter(({ explained }) => !explained).map(({ path }) => path);
    assert.deepEqual(silent, []);
  });

  test('the templates of the CRDs are fresh: run `node infra/bundle/chart-crds.ts` after a change of shared/api', () => {
    const expected = chartCrds();
    assert.deepEqual(readdirSync(CHART_CRDS).sort(), [...expected.keys()].sort());
    for (const [file, text] of expected)
      assert.equal(readFileSync(join(CHART_CRDS, file), 'utf8'), text, file);
  });

  test('chart and application have the release of the product', () => {
    const { version, appVersion } = parseYaml(read('Chart.yaml')) as { version: string; appVersion: string };
    assert.deepEqual([version, appVersion], [RELEASE, RELEASE]);
  });

  test('settings takes every flag of the relay that no value stands for', async () => {
    const schema = JSON.parse(read('values.schema.json')) as {
      properties: { settings: { properties: Record<string, unknown> } };
    };
    const free = Object.keys(schema.properties.settings.properties);
    const templates = read('templates/deployment.yaml');
    /** Fixed by what the pod is. */
    const fixed = ['enable-leader-election', 'service-account-folder'];
    const own = (Object.keys(SETTINGS) as SettingName[])
      .filter((name) => (SETTINGS[name].users as readonly string[]).includes('relay'))
      .filter((name) => !fixed.includes(name) && !templates.includes(`--${name}=`));
    assert.deepEqual(free.toSorted(), own.toSorted());
  });

  test('every kind has its switch, and every function its rights', () => {
    assert.deepEqual([...new Set(KINDS.map(({ group }) => group))].sort(), Object.keys(CHART_GROUPS).sort());
    const rights = read('templates/_rights.tpl');
    const called = new Set([
      ...RELAY_KINDS.map(({ functionName }) => functionName),
      ...listFunctions().map(({ name }) => name),
    ]);
    for (const name of called) assert.ok(rights.includes(`define "longshore.rules.${name}"`), name);
  });
});

describe('chart: rendered by helm', needs('helm'), () => {
  test('lint has nothing to say', async () => {
    const output = await helm(['lint', '--strict', CHART], REQUIRED);
    assert.match(output, /1 chart\(s\) linted, 0 chart\(s\) failed/);
    assert.doesNotMatch(output, /\[(WARNING|ERROR)\]/);
  });

  for (const [name, { namespace, values }] of Object.entries(VALUE_SETS)) {
    test(`values '${name}' render as they did (UPDATE_GOLDEN=1 writes them anew)`, async () => {
      const manifests = (await render(merge(REQUIRED, values), namespace))
        .filter(({ kind }) => kind !== 'CustomResourceDefinition')
        .toSorted((a, b) => `${a.kind} ${a.metadata.name}`.localeCompare(`${b.kind} ${b.metadata.name}`));
      const text = manifests
        .map((manifest) => stringify(manifest, { sortMapEntries: true, lineWidth: 0 }))
        .join('---\n')
        .replaceAll(RELEASE, 'RELEASE');
      const file = join(GOLDEN, `${name}.yaml`);
      if (process.env.UPDATE_GOLDEN) await writeFile(file, text);
      assert.equal(text, readFileSync(file, 'utf8'));
    });

    test(`values '${name}': the relay takes its flags`, async () => {
      const args = argsOf(await render(merge(REQUIRED, values), namespace));
      readSettings('relay', args, {});
    });
  }

  test('the CRDs are those of crds/, kept when the release goes, and each group can be left out', async () => {
    const crdsOf = async (values: object) =>
      (await render(merge(REQUIRED, values))).filter(({ kind }) => kind === 'CustomResourceDefinition');
    const all = await crdsOf({});
    for (const kind of KINDS) {
      const expected = customResourceDefinition(kind);
      const crd = find(all, 'CustomResourceDefinition', expected.metadata.name);
      assert.deepEqual(crd.spec, expected.spec);
      assert.equal(crd.metadata.annotations?.['helm.sh/resource-policy'], 'keep');
      for (const [label, value] of Object.entries(expected.metadata.labels ?? {})) {
        assert.equal(crd.metadata.labels?.[label], value);
      }
    }
    for (const [group, name] of Object.entries(CHART_GROUPS)) {
      for (const off of [{ crds: false }, { enabled: false }]) {
        const left = (await crdsOf({ kinds: { [name]: off } })).map(({ metadata }) => metadata.name);
        assert.equal(left.length, KINDS.filter((kind) => kind.group !== group).length);
        assert.ok(left.every((crd) => !crd.endsWith(group)));
      }
    }
  });

  test('what the pod runs as: not root, nothing to write to, no rights of the kernel', async () => {
    const { spec } = find(await render(REQUIRED), 'Deployment') as unknown as {
      spec: { template: { spec: Record<string, unknown> & { containers: Record<string, unknown>[] } } };
    };
    const pod = spec.template.spec;
    assert.deepEqual(pod.securityContext, {
      runAsNonRoot: true,
      runAsUser: 65532,
      runAsGroup: 65532,
      fsGroup: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    assert.deepEqual(pod.containers[0]!.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    assert.ok((pod.terminationGracePeriodSeconds as number) > 25, 'the relay stops within 25 s');
  });

  test('nobody may list Secrets but the one of Quay, or mint tokens of accounts that are not ours', async () => {
    for (const { values } of Object.values(VALUE_SETS)) {
      for (const { kind, metadata, rules } of await render(merge(REQUIRED, values))) {
        if (!kind.endsWith('Role')) continue;
        for (const rule of rules as { resources: string[]; verbs: string[]; resourceNames?: string[] }[]) {
          const { resources, verbs, resourceNames = [] } = rule;
          assert.ok(![...resources, ...verbs].includes('*'), `${metadata.name}: everything`);
          if (resources.includes('secrets') && resourceNames.join() !== 'quaytoken') {
            assert.ok(
              !verbs.some((verb) => ['list', 'watch'].includes(verb)),
              `${metadata.name} lists Secrets`,
            );
          }
          if (resources.includes('serviceaccounts/token') && metadata.name === 'longshore-relay-own') {
            assert.ok(
              resourceNames.length > 0 && resourceNames.every((name) => name.startsWith('longshore-')),
            );
          } else if (resources.includes('serviceaccounts/token')) {
            assert.equal(
              (values as { functions?: { objectLevelWorkloadIdentity?: boolean } }).functions
                ?.objectLevelWorkloadIdentity,
              true,
            );
          }
        }
      }
    }
  });

  const REFUSED: [what: string, values: object, problem: RegExp][] = [
    ['a value that does not exist', { replica: 2 }, /additional properties 'replica' not allowed/],
    ['no pods', { replicas: 0 }, /\/replicas.*minimum: got 0, want 1/],
    [
      'an address without TLS',
      { cluster: { apiServer: 'http://api' } },
      /\/cluster\/apiServer.*does not match/,
    ],
    ['a namespace in capitals', { scope: { namespaces: ['Team'] } }, /\/scope\/namespaces\/0/],
    [
      'a setting that a value stands for',
      { settings: { 'storage-bucket': 'x' } },
      /\/settings.*'storage-bucket' not allowed/,
    ],
    ['a setting that does not exist', { settings: { colour: 'x' } }, /\/settings.*'colour' not allowed/],
    ['a pull policy of no kubelet', { image: { pullPolicy: 'Sometimes' } }, /\/image\/pullPolicy/],
    ['a Service without a name', { artifacts: { serviceName: '' } }, /\/artifacts\/serviceName/],
    [
      'no API server',
      { cluster: { apiServer: '' } },
      /cluster\.apiServer is not set: the address of the API server/,
    ],
    [
      'an API server that only pods reach',
      { cluster: { apiServer: 'https://kubernetes.default.svc' } },
      /cluster\.apiServer: https:\/\/kubernetes\.default\.svc is an address inside of the cluster/,
    ],
    ['its short name', { cluster: { apiServer: 'https://kubernetes.default:443' } }, /inside of the cluster/],
    [
      'a Service whose name no API server takes',
      { artifacts: { serviceName: '1st' } },
      /\/artifacts\/serviceName.*does not match/,
    ],
    [
      'a label by which the pods are found',
      { labels: { 'app.kubernetes.io/name': 'mine' } },
      /\/labels\/app\.kubernetes\.io~1name.*false schema/,
    ],
    [
      'URLs of artifacts at a Service that nobody makes',
      {
        artifacts: {
          serviceName: 'longshore-artifacts',
          baseUrl: 'http://source-controller.longshore-system.svc.cluster.local.',
        },
      },
      /artifacts\.baseUrl: .* is not the Service of this release, longshore-artifacts\.longshore-system: .*--param artifact-base-url=/,
    ],
    [
      'the same in another namespace',
      { artifacts: { baseUrl: 'source-controller.flux-system.svc.cluster.local.' } },
      /is not the Service of this release, source-controller\.longshore-system/,
    ],
    ['no functions', { functions: { prefix: '' } }, /functions\.prefix is not set: npm run deploy prints it/],
    ['no bucket', { storage: { bucket: '' } }, /storage\.bucket is not set: npm run deploy prints it/],
    [
      'no kind',
      { kinds: { image: { enabled: false }, source: { enabled: false }, quay: { enabled: false } } },
      /kinds: none is enabled/,
    ],
    [
      'identities for kinds that know none',
      {
        functions: { objectLevelWorkloadIdentity: true },
        kinds: { image: { enabled: false }, source: { enabled: false } },
      },
      /objectLevelWorkloadIdentity: only the kinds image and source/,
    ],
  ];

  test('URLs of artifacts at its own Service, however it is written, or at a bucket', async () => {
    for (const baseUrl of [
      'http://source-controller.longshore-system.svc.cluster.local.',
      'source-controller.longshore-system.svc',
      'http://source-controller.longshore-system.svc:80/',
      'https://cdn.example/artifacts',
    ]) {
      await render(merge(REQUIRED, { artifacts: { baseUrl } }));
    }
  });

  for (const [what, values, problem] of REFUSED) {
    test(`refused: ${what}`, () => assert.rejects(render(merge(REQUIRED, values)), problem));
  }
});
