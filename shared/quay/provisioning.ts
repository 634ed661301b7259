/** The steps that make a repository usable, whoever asks for it (Quay 6.2). Each may be repeated. */
import { messageOf } from '../runtime/errors.ts';
import type { Run } from '../runtime/reconciler.ts';
import type { QuayClient, Robot, Visibility } from './client.ts';
import { QuayError } from './errors.ts';

/** Shown on the repository's page in Quay. */
const DESCRIPTION = 'Made by Longshore for a Kubernetes cluster';

interface Access {
  run: Run;
  quay: QuayClient;
}

/** Quay does not make it, and a repetition would not change that. */
export class Refusal extends Error {}

/** What an attempt has made so far, and takes back when it fails for good. */
export interface Made {
  repository: boolean;
  /** Short names. */
  robots: Set<string>;
}

/** `text`: what Quay said, or its status. */
export type Obtained = 'created' | 'adopted' | { refused: 'planLimit' } | { refused: 'other'; text: string };

/**
 * Creates a repository, or adopts the one that is there, with the visibility that is wanted.
 * @throws QuayError what time or an operator repairs
 */
export async function obtainRepository(
  { run, quay }: Access,
  name: string,
  visibility: Visibility,
): Promise<Obtained> {
  const created = await quay.createRepository({ name, visibility, description: DESCRIPTION }, run.signal);
  switch (created.kind) {
    case 'created':
      run.log.info('created an image repository', { action: 'ADD', repository: name });
      return 'created';
    case 'planLimit':
      return { refused: 'planLimit' };
    case 'refused':
      return { refused: 'other', text: created.text || `${created.status} status code` };
    case 'exists':
      return await adoptRepository({ run, quay }, name, visibility);
  }
}

/**
 * Makes sure that the robot exists and may do what its role says.
 * @throws QuayError `impossible` when Quay accepts no such robot, `missing` when there is no repository
 */
export async function ensureAccess(
  { run, quay }: Access,
  imageName: string,
  right: 'read' | 'write',
  robot: string,
): Promise<Robot> {
  const account = await quay.ensureRobot(robot, run.signal);
  run.secrets.add(account.token);
  await quay.setRole(imageName, account.name, right, run.signal);
  return account;
}

async function adoptRepository(
  { run, quay }: Access,
  name: string,
  visibility: Visibility,
): Promise<Obtained> {
  const existing = await quay.getRepository(name, run.signal);
  if (!existing) throw new QuayError('unavailable', `repository ${name} exists and cannot be found`);
  if (existing.isPublic === (visibility === 'public')) return 'adopted';
  const changed = await quay.changeVisibility(name, visibility, run.signal);
  if (changed === 'planLimit') return { refused: 'planLimit' };
  if (changed === 'missing')
    throw new QuayError('unavailable', `repository ${name} went while it was adopted`);
  return 'adopted';
}

/** Takes back what an attempt has made, as far as Quay lets it. @param name of the repository */
export async function takeBack({ run, quay }: Access, name: string, made: Made): Promise<void> {
  const removals = [...made.robots].map((robot) => () => quay.deleteRobot(robot, run.signal));
  if (made.repository) removals.push(() => quay.deleteRepository(name, run.signal));
  for (const remove of removals) {
    await remove().catch((error: unknown) => {
      run.log.error(`could not be taken back: ${messageOf(error)}`, { action: 'DELETE', audit: 'true' });
    });
  }
}
