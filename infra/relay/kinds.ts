/**
 * What the relay must know of each kind, as data. A new kind is a new entry here and a folder in `functions/`: nothing
 * else of the relay knows what a kind is called.
 */
import { IMAGE_POLICY, type ImagePolicy, intervalOf, repositoryOf } from '../../shared/api/image-policy.ts';
import { IMAGE_REPOSITORY } from '../../shared/api/image-repository.ts';
import { OCI_REPOSITORY, type OciRepository } from '../../shared/api/oci-repository.ts';
import type { KubeObject } from '../../shared/kube/resource.ts';
import type { ObjectKey } from '../../shared/runtime/contract.ts';
import { parseDuration } from '../../shared/runtime/duration.ts';
import { type ForeignKind, NAMESPACE } from './foreign-kinds.ts';
import { component, quayImageRepository } from './quay-kinds.ts';

export interface RelayKind {
  group: string;
  kind: string;
  plural: string;
  /** Served versions, the newest first: the relay uses the first that the cluster has (IR-API-2). */
  versions: readonly string[];
  /** An object without it has not been seen by us yet, whatever its status says. */
  finalizer: string;
  /** Whether we have seen an object, where this finalizer alone does not tell. */
  isKnown?(object: KubeObject): boolean;
  /**
   * A kind of somebody else, of which we look at metadata alone: an object runs while `watched` says something, and when it
   * is deleted with our finalizer on it. A cluster need not have it.
   */
  isForeign?: boolean;
  /** What metrics and log lines call it: unlike the kind's name it is unique. */
  controller: string;
  /** Folder below `functions/`, and the last part of the function's name in the cloud account. */
  functionName: string;
  /** Batches in flight, at most, where that is less than `--concurrent`. */
  concurrent?: number;
  /** Interval (0: no timer) and last run of an object, both in milliseconds: its due time after a start. */
  due(object: KubeObject): { intervalMs: number; lastRunAt: number | undefined };
  /** Percent by which its intervals are spread, at least; `--interval-jitter-percentage` makes it more. None: never. */
  jitterPercent?: number;
  /**
   * What starts a run besides generation, deletion and request token: a text that changes when labels or annotations
   * do that the kind's specification names.
   */
  watched?(object: KubeObject): string;
  /**
   * What the address in the status begins with. A Ready object of such a kind runs when the relay starts with another
   * `--artifact-base-url` (decisions 5): consumers would ask at an address that is given up.
   */
  base?(object: KubeObject): string;
  /** The objects that this one reads: it runs when one of them appears, changes or goes. */
  dependsOn?(object: KubeObject): ObjectKey[];
  /** Kinds of others among them. */
  reads?: readonly ForeignKind[];
  /**
   * Also a settled object runs once when the relay starts, after the objects that it depends on (decisions 5): nothing in
   * its status shows that a wake-up was lost.
   */
  checkedAtStart?: boolean;
}

const imageRepository: RelayKind = {
  group: IMAGE_REPOSITORY.group,
  kind: IMAGE_REPOSITORY.kind,
  plural: IMAGE_REPOSITORY.plural,
  versions: IMAGE_REPOSITORY.versions,
  finalizer: IMAGE_REPOSITORY.finalizer,
  controller: 'imagerepository',
  functionName: 'image-repository',
  jitterPercent: 0,
  due(object) {
    const spec = object.spec as { interval?: string } | undefined;
    const status = object.status as { lastScanResult?: { scanTime?: string } } | undefined;
    return {
      intervalMs: milliseconds(spec?.interval),
      lastRunAt: timestamp(status?.lastScanResult?.scanTime),
    };
  },
};

const imagePolicy: RelayKind = {
  group: IMAGE_POLICY.group,
  kind: IMAGE_POLICY.kind,
  plural: IMAGE_POLICY.plural,
  versions: IMAGE_POLICY.versions,
  finalizer: IMAGE_POLICY.finalizer,
  controller: 'imagepolicy',
  functionName: 'image-policy',
  /** Only digests are looked up by time; their status does not say when that was. */
  due(object) {
    const { spec } = object as ImagePolicy;
    return { intervalMs: spec ? readable(() => intervalOf(spec)) : 0, lastRunAt: undefined };
  },
  dependsOn(object) {
    const policy = object as ImagePolicy;
    if (!policy.spec?.imageRepositoryRef) return [];
    const repository = repositoryOf(policy);
    const { group, kind } = IMAGE_REPOSITORY;
    const own = policy.metadata.namespace ?? '';
    const targets: ObjectKey[] = [{ group, kind, ...repository }];
    // In another namespace an access list decides, and that reads the labels of this one (image-reflector section 7).
    if (repository.namespace !== own) {
      targets.push({ group: NAMESPACE.group, kind: NAMESPACE.kind, namespace: '', name: own });
    }
    return targets;
  },
  reads: [NAMESPACE],
  checkedAtStart: true,
};

const ociRepository: RelayKind = {
  group: OCI_REPOSITORY.group,
  kind: OCI_REPOSITORY.kind,
  plural: OCI_REPOSITORY.plural,
  versions: OCI_REPOSITORY.versions,
  finalizer: OCI_REPOSITORY.finalizer,
  controller: 'ocirepository',
  functionName: 'oci-repository',
  jitterPercent: 5,
  /** The status tells when the artifact changed, not when somebody looked. */
  due(object) {
    const { spec } = object as OciRepository;
    return { intervalMs: milliseconds(spec?.interval), lastRunAt: undefined };
  },
  base(object) {
    const { artifact } = (object as OciRepository).status ?? {};
    if (!artifact?.url?.endsWith(`/${artifact.path}`)) return '';
    return shared(artifact.url.slice(0, -artifact.path.length - 1));
  },
};

/** The kinds that this release serves. */
export const RELAY_KINDS: readonly RelayKind[] = [
  imageRepository,
  imagePolicy,
  ociRepository,
  quayImageRepository,
  component,
];

/** Those that are ours: a cluster is expected to have them, and people to look at them. */
export const OWN_KINDS: readonly RelayKind[] = RELAY_KINDS.filter(({ isForeign }) => !isForeign);

const texts = new Map<string, string>();

/** The same text for equal ones: a hundred thousand objects have one base. What is cut out of another would keep it. */
function shared(text: string): string {
  const known = texts.get(text);
  if (known !== undefined) return known;
  const own = Buffer.from(text).toString();
  texts.set(own, own);
  return own;
}

function milliseconds(duration: string | undefined): number {
  return duration ? readable(() => parseDuration(duration)) : 0;
}

/** An interval that cannot be read is none: the object's own run says what is wrong with it. */
function readable(read: () => number): number {
  try {
    return read();
  } catch {
    return 0;
  }
}

function timestamp(text: string | undefined): number | undefined {
  const time = text ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
