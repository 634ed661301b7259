/** Which service accounts name the push Secret (spec 7.5, 8.6). */
import type { QuayImageRepository } from '../../shared/api/quay-image-repository.ts';
import { SECRETS } from '../../shared/kube/resource.ts';
import {
  changeLinks,
  withLink,
  withoutLink,
  withRepairedLink,
} from '../../shared/kube/service-account-links.ts';
import { tell } from '../../shared/quay/events.ts';
import { componentNameOf } from './component.ts';
import { secretNameOf } from './names.ts';
import type { Desk } from './site.ts';
import { editObject, writeStatus } from './writes.ts';

/** The pipeline's service accounts: its old name and that of a Component's builds; those that exist are linked. */
export function pipelineAccounts(object: QuayImageRepository): string[] {
  const component = componentNameOf(object);
  return ['appstudio-pipeline', ...(component === undefined ? [] : [`build-pipeline-${component}`])];
}

/**
 * Links the push Secret of a Component's repository. Only a Secret that exists is linked: without it the link is one of
 * those that `verify-linking` removes. In RemoteSecret mode others link.
 * @returns whether an account is missing that may come later
 */
export async function linkPushSecret(desk: Desk, object: QuayImageRepository): Promise<boolean> {
  if (object.status?.credentials?.['push-remote-secret']) return false;
  const { kube, request, signal } = desk.run;
  const { namespace } = request;
  const secret = secretNameOf(object.metadata.name, 'push');
  const change = withLink(secret);
  const missing = new Set(pipelineAccounts(object));
  for (const name of [...missing]) {
    await changeLinks(
      kube,
      { namespace, name },
      async (links) => {
        missing.delete(name);
        const linked = change(links);
        return linked === links || (await secretExists(desk, secret)) ? linked : links;
      },
      signal,
    );
  }
  return missing.size > 0;
}

/** Takes the push Secret out of every account that we may have put it into. */
export async function unlinkPushSecret({ run }: Desk, object: QuayImageRepository): Promise<void> {
  const secret = secretNameOf(object.metadata.name, 'push');
  for (const name of pipelineAccounts(object)) {
    await changeLinks(run.kube, { namespace: run.request.namespace, name }, withoutLink(secret), run.signal);
  }
}

/** Ladder step 17: `verify-linking` (8.6). Undefined: it was not asked for. */
export async function verifyLinking(
  desk: Desk,
  object: QuayImageRepository,
): Promise<QuayImageRepository | undefined> {
  if (object.spec?.credentials?.['verify-linking'] !== true) return undefined;
  const { kube, request, signal } = desk.run;
  const secret = secretNameOf(object.metadata.name, 'push');
  const change = (await secretExists(desk, secret)) ? withRepairedLink(secret) : withoutLink(secret);
  for (const name of pipelineAccounts(object)) {
    await changeLinks(kube, { namespace: request.namespace, name }, change, signal);
  }
  const told = await writeStatus(desk, object, { message: undefined });
  const done = await editObject(
    desk,
    told,
    { spec: { credentials: { 'verify-linking': null } } },
    { guard: false },
  );
  await tell(desk, done, 'LinksVerified', `verified which service accounts name Secret ${secret}`);
  return done;
}

async function secretExists({ run }: Desk, name: string): Promise<boolean> {
  const { namespace } = run.request;
  return (await run.kube.get(SECRETS, { namespace, name }, run.signal)) !== undefined;
}
