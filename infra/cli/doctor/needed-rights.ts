/**
 * What relay and functions ask of the API server. The chart grants exactly this: `test/chart/rights.test.ts` compares the
 * two, and `docs/security.md` with both.
 */
import { IMAGE_POLICY } from '../../../shared/api/image-policy.ts';
import { QUAY_TOKEN_SECRET } from '../../../shared/quay/token-secret.ts';
import { foreignKindsOf } from '../../relay/watching.ts';
import type { Installation } from './installation.ts';

const IMAGE = 'image.toolkit.fluxcd.io';
const SOURCE = 'source.toolkit.fluxcd.io';
const QUAY = 'appstudio.redhat.com';

export interface Right {
  group: string;
  /** With its sub-resource: `imagerepositories/status`. */
  resource: string;
  verb: string;
  /** Of this one object. */
  name?: string;
}

/** Whom the API server is asked about. */
export interface Holder {
  /** As messages call it. */
  who: string;
  user: string;
  groups: string[];
  /** Undefined: a group of EKS access entries, of which the cluster has no object. */
  serviceAccount: string | undefined;
  /** In every namespace of the scope. */
  rights: Right[];
  /** In the namespace of the release. */
  ownRights: Right[];
  /** In a namespace that a limited scope leaves out: nobody needs them where it does not exist. */
  outside?: { namespace: string; rights: Right[] };
}

function rights(group: string, resources: string[], verbs: string[], name?: string): Right[] {
  return resources.flatMap((resource) =>
    verbs.map((verb) => ({ group, resource, verb, ...(name !== undefined && { name }) })),
  );
}

const EVENTS = rights('', ['events'], ['create', 'patch']);
const CREDENTIALS = rights('', ['secrets', 'serviceaccounts'], ['get']);

/** Where the credentials of robots go. */
const QUAY_SECRETS = [
  ...rights(QUAY, ['remotesecrets'], ['create']),
  ...rights('', ['secrets'], ['get', 'create', 'patch', 'delete']),
  ...rights('', ['serviceaccounts'], ['get', 'patch']),
];

/** By the name of the function. */
export const FUNCTION_RIGHTS: Readonly<Record<string, Right[]>> = {
  'image-repository': [
    ...rights(IMAGE, ['imagerepositories'], ['get', 'patch']),
    ...rights(IMAGE, ['imagerepositories/status'], ['patch']),
    ...CREDENTIALS,
    ...EVENTS,
  ],
  'image-policy': [
    ...rights(IMAGE, [IMAGE_POLICY.plural], ['get', 'patch']),
    ...rights(IMAGE, [`${IMAGE_POLICY.plural}/status`], ['patch']),
    ...rights(IMAGE, ['imagerepositories'], ['get']),
    ...rights('', ['namespaces'], ['get']),
    ...CREDENTIALS,
    ...EVENTS,
  ],
  'oci-repository': [
    ...rights(SOURCE, ['ocirepositories'], ['get', 'patch']),
    ...rights(SOURCE, ['ocirepositories/status'], ['patch']),
    ...CREDENTIALS,
    ...EVENTS,
  ],
  'quay-repository': [
    ...rights(QUAY, ['imagerepositories'], ['get', 'list', 'patch']),
    ...rights(QUAY, ['imagerepositories/status'], ['patch']),
    ...rights(QUAY, ['components'], ['get', 'patch']),
    ...QUAY_SECRETS,
    ...EVENTS,
  ],
  'quay-component': [...rights(QUAY, ['components'], ['get', 'patch']), ...QUAY_SECRETS, ...EVENTS],
};

/** Relay and functions of an installation. */
export function holdersOf(installation: Installation): Holder[] {
  const { settings, functions } = installation;
  const prefix = settings['functions-service-account-prefix'];
  const eks = settings['eks-cluster'] !== '';
  const relay = account(installation, 'relay', installation.serviceAccount);
  const lease = settings['leader-election-id'];
  return [
    {
      ...relay,
      rights: watchedBy(installation),
      ownRights: [
        ...rights('coordination.k8s.io', ['leases'], ['create']),
        ...rights('coordination.k8s.io', ['leases'], ['get', 'patch'], lease),
        ...(eks
          ? []
          : functions.flatMap((name) => rights('', ['serviceaccounts/token'], ['create'], prefix + name))),
      ],
      ...tokenRights(installation, ['list', 'watch']),
    },
    ...functions.map((name) => ({
      ...(eks ? entry(name) : account(installation, name, prefix + name)),
      rights: FUNCTION_RIGHTS[name] ?? [],
      ownRights: [],
      ...(name.startsWith('quay-') && tokenRights(installation, ['get'])),
    })),
  ];
}

/** The token of Quay is where it always is, inside the scope or not. */
function tokenRights({ kinds, settings }: Installation, verbs: string[]): Pick<Holder, 'outside'> {
  if (settings.namespace.length === 0 || !kinds.some(({ group }) => group === QUAY)) return {};
  const { namespace, name } = QUAY_TOKEN_SECRET;
  return { outside: { namespace, rights: rights('', ['secrets'], verbs, name) } };
}

/** Its own kinds, and what these read of others: in a limited scope nothing that is not in these namespaces. */
function watchedBy({ kinds, settings }: Installation): Right[] {
  const isLimited = settings.namespace.length > 0;
  const others = foreignKindsOf(kinds).filter(({ namespaced, only }) => !isLimited || (namespaced && !only));
  return [
    ...kinds.flatMap(({ group, plural }) => rights(group, [plural], ['list', 'watch'])),
    ...others.flatMap(({ group, plural, only }) => rights(group, [plural], ['list', 'watch'], only?.name)),
  ];
}

function account({ namespace }: Installation, who: string, serviceAccount: string) {
  return {
    who,
    user: `system:serviceaccount:${namespace}:${serviceAccount}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    serviceAccount,
  };
}

/** The role of a function in an access entry of EKS: the chart binds the group. */
function entry(who: string) {
  return {
    who,
    user: `longshore-doctor:${who}`,
    groups: [`longshore:${who}`, 'system:authenticated'],
    serviceAccount: undefined,
  };
}
