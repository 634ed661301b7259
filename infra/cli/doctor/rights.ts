/** May relay and functions do what they must? The API server itself is asked, with SubjectAccessReviews. */
import { isNotFound } from '../../../shared/kube/errors.ts';
import { NAMESPACES, type Resource, SERVICE_ACCOUNTS } from '../../../shared/kube/resource.ts';
import { type Finding, failed, ok, skipped } from './finding.ts';
import type { Installation } from './installation.ts';
import { type Holder, holdersOf, type Right } from './needed-rights.ts';
import { isForbidden, type Visit } from './visit.ts';

/** Rights that a finding tells; the rest is counted. */
const TOLD_RIGHTS = 4;

const SUBJECT_ACCESS_REVIEWS: Resource = {
  group: 'authorization.k8s.io',
  version: 'v1',
  plural: 'subjectaccessreviews',
  kind: 'SubjectAccessReview',
  namespaced: false,
};

export async function checkRights(visit: Visit, signal: AbortSignal): Promise<Finding[]> {
  const { installation } = visit;
  if (!installation)
    return [skipped('rights', 'without an installed relay there are no accounts to ask about')];
  try {
    return await Promise.all(
      holdersOf(installation).map((holder) => judge(holder, installation, visit, signal)),
    );
  } catch (error) {
    if (isForbidden(error)) {
      return [
        skipped(
          'rights',
          'you may not create SubjectAccessReviews',
          'ask as an administrator of the cluster',
        ),
      ];
    }
    if (isNotFound(error)) return [skipped('rights', 'this API server knows no SubjectAccessReviews')];
    throw error;
  }
}

async function judge(
  holder: Holder,
  installation: Installation,
  visit: Visit,
  signal: AbortSignal,
): Promise<Finding> {
  const { who, serviceAccount, rights, ownRights, outside } = holder;
  const { namespace, settings } = installation;
  const release = `helm upgrade ${visit.flags.release} puts its Roles and bindings right`;
  if (serviceAccount !== undefined) {
    const ref = { namespace, name: serviceAccount };
    const found = await visit.kube.get(SERVICE_ACCOUNTS, ref, signal);
    if (!found)
      return failed('rights', `${who}: ServiceAccount ${namespace}/${serviceAccount} is not there`, release);
  }
  const reachesOutside =
    outside && (await visit.kube.get(NAMESPACES, { name: outside.namespace }, signal)) !== undefined;
  const scope = settings.namespace.length > 0 ? settings.namespace : [''];
  const wanted = [
    ...scope.flatMap((where) => rights.map((right) => ({ right, where }))),
    ...ownRights.map((right) => ({ right, where: namespace })),
    ...(reachesOutside ? outside.rights.map((right) => ({ right, where: outside.namespace })) : []),
  ];
  const answers = await Promise.all(
    wanted.map(({ right, where }) => isAllowed(visit, holder, right, where, signal)),
  );
  const denied = wanted.filter((_, at) => !answers[at]).map(({ right, where }) => textOf(right, where));
  if (denied.length === 0) return ok('rights', `${who}: all ${wanted.length} that it needs`);
  const rest = denied.length > TOLD_RIGHTS ? ` and ${denied.length - TOLD_RIGHTS} more` : '';
  return failed('rights', `${who} may not ${denied.slice(0, TOLD_RIGHTS).join(', ')}${rest}`, release);
}

async function isAllowed(
  { kube }: Visit,
  { user, groups }: Holder,
  { group, resource, verb, name }: Right,
  namespace: string,
  signal: AbortSignal,
): Promise<boolean> {
  const [plural, subresource] = resource.split('/');
  const resourceAttributes = { namespace, verb, group, resource: plural, subresource, name };
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: SUBJECT_ACCESS_REVIEWS.kind,
    spec: { user, groups, resourceAttributes },
  };
  const review = await kube.create<{ status?: { allowed?: boolean } }>(
    SUBJECT_ACCESS_REVIEWS,
    {},
    body,
    signal,
  );
  return review.status?.allowed === true;
}

function textOf({ group, resource, verb, name }: Right, namespace: string): string {
  const what = `${verb} ${resource}${group && `.${group}`}${name ? ` '${name}'` : ''}`;
  return namespace ? `${what} in ${namespace}` : what;
}
