/** What the relay must know of the kinds that Quay is behind (Quay 16.1, decisions "Quay kinds"). */
import { COMPONENT, COMPONENT_ANNOTATION } from '../../shared/api/component.ts';
import {
  APPLICATION_LABEL,
  COMPONENT_LABEL,
  PROVISIONING_FINALIZER,
  QUAY_ANNOTATION,
  QUAY_IMAGE_REPOSITORY,
  type QuayImageRepository,
} from '../../shared/api/quay-image-repository.ts';
import { type KubeObject, type ReconcileStatus, SECRETS } from '../../shared/kube/resource.ts';
import { QUAY_TOKEN_SECRET } from '../../shared/quay/token-secret.ts';
import type { ObjectKey } from '../../shared/runtime/contract.ts';
import type { ForeignKind } from './foreign-kinds.ts';
import type { RelayKind } from './kinds.ts';

/** Drift is found within this time. */
const LOOK_MS = 10 * 60 * 60_000;

/** Quay counts the requests of all its callers: batches that run beside each other would only wait for each other. */
const ONE_AT_A_TIME = 1;

/** The token: what failed for want of a good one runs when it changes. Its metadata alone is read. */
const TOKEN_SECRET: ForeignKind = {
  group: SECRETS.group,
  kind: SECRETS.kind,
  plural: SECRETS.plural,
  versions: [SECRETS.version],
  namespaced: true,
  only: QUAY_TOKEN_SECRET,
  watched: ({ metadata }) => `${metadata.uid}/${metadata.resourceVersion}`,
};

const TOKEN: ObjectKey = { group: TOKEN_SECRET.group, kind: TOKEN_SECRET.kind, ...QUAY_TOKEN_SECRET };

export const quayImageRepository: RelayKind = {
  group: QUAY_IMAGE_REPOSITORY.group,
  kind: QUAY_IMAGE_REPOSITORY.kind,
  plural: QUAY_IMAGE_REPOSITORY.plural,
  versions: QUAY_IMAGE_REPOSITORY.versions,
  finalizer: QUAY_IMAGE_REPOSITORY.finalizer,
  controller: 'quay-imagerepository',
  functionName: 'quay-repository',
  concurrent: ONE_AT_A_TIME,
  due: () => ({ intervalMs: LOOK_MS, lastRunAt: undefined }),
  /** What failed for good carries no finalizer any more: there is nothing to be removed for it. */
  isKnown({ metadata, status }) {
    const { finalizers = [] } = metadata;
    const isHeld = [QUAY_IMAGE_REPOSITORY.finalizer, PROVISIONING_FINALIZER].some((each) =>
      finalizers.includes(each),
    );
    return isHeld || (status as QuayImageRepository['status'])?.state === 'failed';
  },
  watched(object) {
    const { annotations = {}, finalizers = [] } = object.metadata;
    const { state, image, credentials } = (object as QuayImageRepository).status ?? {};
    const isOver = state === 'damaged' || state === 'missing';
    const isProvisioned = finalizers.includes(QUAY_IMAGE_REPOSITORY.finalizer);
    const needed = [
      image?.url,
      image?.visibility,
      credentials?.['push-robot-account'],
      credentials?.['push-secret'],
    ];
    return [
      annotations[QUAY_ANNOTATION.retry],
      annotations[QUAY_ANNOTATION.updateComponentImage],
      // Taking the finalizer away is how a person asks for recovery.
      isOver && !isProvisioned ? 'recover' : undefined,
      // A status that was damaged is told at once.
      isProvisioned && !(state && needed.every(Boolean)) ? 'damaged' : undefined,
      // Labels count until the names are written ahead.
      ...(credentials?.['push-robot-account'] === undefined ? Object.values(linkOf(object)) : []),
    ]
      .map((text) => (text === undefined ? '' : `=${text}`))
      .join();
  },
  dependsOn(object) {
    const { namespace = '' } = object.metadata;
    const status = object.status as (QuayImageRepository['status'] & ReconcileStatus) | undefined;
    const targets: ObjectKey[] = [];
    const { component } = linkOf(object);
    if (component && !status?.credentials?.['push-robot-account']) {
      targets.push({ group: COMPONENT.group, kind: COMPONENT.kind, namespace, name: component });
    }
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    // What is being deleted shows no conditions any more.
    const mayWait = ready?.reason === 'RegistryConfiguration' || object.metadata.deletionTimestamp;
    return mayWait ? [...targets, TOKEN] : targets;
  },
  reads: [TOKEN_SECRET],
};

/** The deprecated annotations of Components, and the end of those that we made something for. */
export const component: RelayKind = {
  group: COMPONENT.group,
  kind: COMPONENT.kind,
  plural: COMPONENT.plural,
  versions: COMPONENT.versions,
  finalizer: COMPONENT.finalizer,
  controller: 'component',
  functionName: 'quay-component',
  concurrent: ONE_AT_A_TIME,
  isForeign: true,
  due: () => ({ intervalMs: 0, lastRunAt: undefined }),
  /** `false` is what the founding document leaves behind: nothing is asked for. */
  watched({ metadata }) {
    const request = metadata.annotations?.[COMPONENT_ANNOTATION.generate] ?? 'false';
    return request === 'false' ? '' : `=${request}`;
  },
  /** Nothing of a Component shows what keeps its request waiting. */
  dependsOn: (object) => (object.metadata.deletionTimestamp || component.watched?.(object) ? [TOKEN] : []),
  reads: [TOKEN_SECRET],
};

function linkOf({ metadata }: KubeObject): { component?: string; application?: string } {
  const { labels = {} } = metadata;
  return { component: labels[COMPONENT_LABEL], application: labels[APPLICATION_LABEL] };
}
