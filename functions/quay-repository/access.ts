/** The Secrets in which the tokens of robots are handed over (spec 7). */
import {
  APPLICATION_LABEL,
  COMPONENT_LABEL,
  type QuayImageRepository,
} from '../../shared/api/quay-image-repository.ts';
import {
  dockerConfigJson,
  ensureDockerConfigSecret,
  INTERNAL_LABEL,
} from '../../shared/kube/docker-config-secret.ts';
import { ensureRemoteSecret, uploadToRemoteSecret } from '../../shared/kube/remote-secret.ts';
import type { Robot } from '../../shared/quay/client.ts';
import { componentNameOf } from './component.ts';
import { linkOf, type Role, secretNameOf } from './names.ts';
import { ownerOf, type Site } from './site.ts';

/** What is provided for one object. */
export interface Provision {
  imageName: string;
  imageUrl: string;
  /** Credentials go through RemoteSecrets. */
  remote: boolean;
  /** Short names, by role; only those of a Component's repository have `pull`. */
  robots: { push: string; pull?: string };
}

/** What a robot may do with its repository. */
export const RIGHTS = { push: 'write', pull: 'read' } as const;

/** The service account to which a RemoteSecret links its Secret. */
const REMOTE_LINKS = { push: 'appstudio-pipeline', pull: 'default' } as const;

/**
 * Puts the token of a robot where its users find it.
 * @returns whether a Secret was written; false where somebody else writes it
 * @throws SecretConflictError; KubeError
 */
export async function handOver(
  { run }: Site,
  object: QuayImageRepository,
  { imageUrl, remote }: Pick<Provision, 'imageUrl' | 'remote'>,
  role: Role,
  robot: Robot,
): Promise<boolean> {
  const { kube, secrets, signal } = run;
  const { namespace } = run.request;
  const name = secretNameOf(object.metadata.name, role);
  const content = dockerConfigJson(imageUrl, { username: robot.name, token: robot.token }, secrets);
  const owner = ownerOf(object);
  if (!remote) {
    const secret = { namespace, name, content, labels: INTERNAL_LABEL, owner };
    return (await ensureDockerConfigSecret(kube, secret, signal)) !== 'unchanged';
  }
  const component = componentNameOf(object);
  const request = {
    namespace,
    name,
    owner,
    ...(role === 'pull' && { labels: remoteLabels(object, component) }),
    ...(component !== undefined && { serviceAccount: REMOTE_LINKS[role] }),
  };
  await ensureRemoteSecret(kube, request, signal);
  await uploadToRemoteSecret(kube, { namespace, name, content }, signal);
  return false;
}

/** By these, others find the environments into which a pull Secret has to go as well. */
function remoteLabels(object: QuayImageRepository, component: string | undefined): Record<string, string> {
  const application = linkOf(object)?.application;
  return {
    ...(application && { [APPLICATION_LABEL]: application }),
    ...(component && { [COMPONENT_LABEL]: component }),
  };
}
