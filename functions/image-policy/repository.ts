/** The repository that a policy refers to, and whether the policy may choose from its tags (8.2 step 3, section 7). */
import { type ImagePolicy, repositoryOf } from '../../shared/api/image-policy.ts';
import { IMAGE_REPOSITORY, type ImageRepository } from '../../shared/api/image-repository.ts';
import { findObject } from '../../shared/kube/find-object.ts';
import { type KubeObject, NAMESPACES } from '../../shared/kube/resource.ts';
import { RetryError } from '../../shared/runtime/errors.ts';
import { inStep } from '../../shared/runtime/failure.ts';
import type { Run } from '../../shared/runtime/reconciler.ts';
import type { Settings } from '../../shared/runtime/settings.ts';
import { hasEntries, selects } from './access-list.ts';
import { REASON, REPOSITORY_PREFIX, STEP } from './failures.ts';

/**
 * Reads the repository: one request, and one more for the labels of the policy's namespace where the repository is in
 * another one. Its readiness and its suspension do not matter (IR-POL-1).
 * @throws RetryError `AccessDenied`, `DependencyNotReady` when it does not exist, `Failure` when it cannot be read
 */
export async function findRepository(
  run: Run,
  policy: ImagePolicy,
  settings: Pick<Settings, 'no-cross-namespace-refs'>,
): Promise<ImageRepository> {
  const { namespace, name } = repositoryOf(policy);
  const own = run.request.namespace;
  const isForeign = namespace !== own;
  if (isForeign && settings['no-cross-namespace-refs']) {
    throw denied(
      `cannot access 'ImageRepository/${namespace}/${name}', cross-namespace references have been blocked`,
    );
  }
  const found = await inStep(STEP.repository, run.signal, () =>
    findObject<ImageRepository>({ ...run, request: { ...run.request, namespace, name } }, IMAGE_REPOSITORY),
  );
  if (!found) throw missing(namespace, name);
  if (isForeign) await requireAccess(run, found.object);
  return found.object;
}

/** What the owner of the repository has to say to a policy of another namespace. */
async function requireAccess(run: Run, { spec, metadata }: ImageRepository): Promise<void> {
  const own = run.request.namespace;
  const repository = `'ImageRepository/${metadata.namespace}/${metadata.name}'`;
  if (!hasEntries(spec.accessFrom)) {
    throw denied(
      `access denied: spec.accessFrom of ${repository} is missing or empty, it must select namespace '${own}'`,
    );
  }
  const labels = await inStep(STEP.repository, run.signal, () => labelsOf(run, own));
  if (!selects(spec.accessFrom, labels)) {
    throw denied(
      `access denied: mismatch between the labels of namespace '${own}' and spec.accessFrom of ${repository}`,
    );
  }
}

async function labelsOf({ kube, signal }: Run, name: string): Promise<Record<string, string>> {
  const namespace = await kube.get<KubeObject>(NAMESPACES, { name }, signal);
  return namespace?.metadata.labels ?? {};
}

/** Repeated: labels and access lists change without our being told (IR-ACL-5). */
function denied(message: string): RetryError {
  return new RetryError(REASON.denied, REPOSITORY_PREFIX + message);
}

function missing(namespace: string, name: string): RetryError {
  const text = `referenced ImageRepository does not exist: ImageRepository.${IMAGE_REPOSITORY.group} "${name}" not found in namespace '${namespace}'`;
  return new RetryError(REASON.dependency, REPOSITORY_PREFIX + text);
}
