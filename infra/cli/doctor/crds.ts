/** Are the CRDs there, do they serve a version that we work with, and do they keep the fields that we write? */
import { customResourceDefinition } from '../../../shared/api/crd.ts';
import type { Kind } from '../../../shared/api/kind.ts';
import { KINDS } from '../../../shared/api/kinds.ts';
import { CUSTOM_RESOURCE_DEFINITIONS, type KubeObject } from '../../../shared/kube/resource.ts';
import { CHART_GROUPS } from '../../bundle/chart-crds.ts';
import { type Finding, failed, ok, skipped, warning } from './finding.ts';
import { isForbidden, type Visit } from './visit.ts';

/** Names of fields that a finding tells; the rest is counted. */
const TOLD_FIELDS = 6;

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema | boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
}

type Crd = KubeObject<
  {
    versions: {
      name: string;
      served: boolean;
      schema?: { openAPIV3Schema?: Schema };
      subresources?: { status?: object };
    }[];
  },
  { conditions?: { type: string; status: string; message?: string }[] }
>;

export async function checkCrds(
  { kube, flags, installation }: Visit,
  signal: AbortSignal,
): Promise<Finding[]> {
  const groups = installation?.settings['api-groups'];
  const kinds = KINDS.filter(({ group }) => groups?.includes(group) ?? true);
  const findings: Finding[] = [];
  for (const kind of kinds) {
    const name = `${kind.plural}.${kind.group}`;
    try {
      const crd = await kube.get<Crd>(CUSTOM_RESOURCE_DEFINITIONS, { name }, signal);
      findings.push(...(crd ? judge(kind, name, crd, flags.release) : [missing(kind, name)]));
    } catch (error) {
      if (!isForbidden(error)) throw error;
      return [
        skipped(
          'crds',
          'you may not read CustomResourceDefinitions',
          'ask as an administrator of the cluster',
        ),
      ];
    }
  }
  return findings;
}

function missing({ group }: Kind, name: string): Finding {
  return failed(
    'crds',
    `${name} is not there`,
    `helm upgrade with kinds.${CHART_GROUPS[group]}.crds=true, or kubectl apply -f crds/`,
  );
}

function judge(kind: Kind, name: string, { metadata, spec, status }: Crd, release: string): Finding[] {
  const established = status?.conditions?.find(({ type }) => type === 'Established');
  if (established && established.status !== 'True') {
    return [
      failed(
        'crds',
        `${name} is not established: ${established.message ?? 'no message'}`,
        'kubectl describe crd tells which names are taken',
      ),
    ];
  }
  const served = spec.versions.filter((version) => version.served);
  const known = kind.versions.map((version) => served.find(({ name: theirs }) => theirs === version));
  const used = known.find((version) => version !== undefined);
  const advice = takeOver(kind, metadata, release);
  if (!used) {
    const theirs = served.map((version) => version.name).join(', ') || 'none';
    return [
      failed('crds', `${name} serves ${theirs}; this release works with ${kind.versions.join(', ')}`, advice),
    ];
  }
  if (!used.subresources?.status) {
    return [
      failed('crds', `${name} has no status sub-resource in ${used.name}: no status can be written`, advice),
    ];
  }
  const findings: Finding[] = [];
  if (!known[0]) {
    findings.push(
      warning('crds', `${name} does not serve ${kind.versions[0]}, the newest; ${used.name} is used`, advice),
    );
  }
  const dropped = droppedFields(ourSchema(kind), used.schema?.openAPIV3Schema ?? {});
  if (dropped.length > 0) {
    const rest = dropped.length > TOLD_FIELDS ? ` and ${dropped.length - TOLD_FIELDS} more` : '';
    const told = dropped.slice(0, TOLD_FIELDS).join(', ') + rest;
    findings.push(warning('crds', `${name} is of another release: it drops ${told}`, advice));
  }
  return findings.length > 0
    ? findings
    : [ok('crds', `${name}: ${served.map((version) => version.name).join(', ')}`)];
}

/** Flux and Konflux label their CRDs, and so do ours, for programs that look for them: whose it is, Helm says. */
function takeOver({ group }: Kind, { annotations, labels }: Crd['metadata'], release: string): string {
  const owner = annotations?.['meta.helm.sh/release-name'];
  if (owner === release) return `helm upgrade ${release} with kinds.${CHART_GROUPS[group]}.crds=true`;
  const whose = owner
    ? `release ${owner}`
    : (labels?.['app.kubernetes.io/part-of'] ?? 'another installation');
  return `it belongs to ${whose}: upgrade that, or take it over (docs/install.md)`;
}

function ourSchema(kind: Kind): Schema {
  return customResourceDefinition(kind).spec.versions[0]!.schema.openAPIV3Schema as Schema;
}

/** Paths in `ours` of what an object that `theirs` describes cannot hold. */
function droppedFields(ours: Schema, theirs: Schema, path = ''): string[] {
  if (theirs['x-kubernetes-preserve-unknown-fields']) return [];
  const found: string[] = [];
  for (const [name, schema] of Object.entries(ours.properties ?? {})) {
    const inner = path ? `${path}.${name}` : name;
    // What every object has is the API server's business.
    if (path === '' && name !== 'spec' && name !== 'status') continue;
    const other = theirs.properties?.[name];
    if (!other) found.push(inner);
    else found.push(...droppedFields(schema, other, inner));
  }
  if (ours.items && theirs.items) found.push(...droppedFields(ours.items, theirs.items, `${path}[]`));
  return found;
}
