/** Creates what a Component asks for: repository, two robots, two Secrets (spec 13.3). Every step may be repeated. */
import type { Component } from '../../shared/api/component.ts';
import { APPLICATION_LABEL, COMPONENT_LABEL } from '../../shared/api/quay-image-repository.ts';
import {
  dockerConfigJson,
  ensureDockerConfigSecret,
  INTERNAL_LABEL,
} from '../../shared/kube/docker-config-secret.ts';
import {
  ensureRemoteSecret,
  servesRemoteSecrets,
  uploadToRemoteSecret,
} from '../../shared/kube/remote-secret.ts';
import { changeLinks, withLink } from '../../shared/kube/service-account-links.ts';
import type { Robot, Visibility } from '../../shared/quay/client.ts';
import { QuayError } from '../../shared/quay/errors.ts';
import { tell } from '../../shared/quay/events.ts';
import { type Made, obtainRepository, Refusal, takeBack } from '../../shared/quay/provisioning.ts';
import { answered } from './annotations.ts';
import { MESSAGE } from './messages.ts';
import { type Names, namesOf, ownerOf, type Place } from './place.ts';
import { annotate, isHeld } from './writes.ts';

/** Creates everything and tells of it, or takes back what it made and tells why. */
export async function create(place: Place, found: Component, visibility: Visibility): Promise<Component> {
  const names = namesOf(found);
  const made: Made = { repository: false, robots: new Set() };
  let component = found;
  try {
    component = await annotate(place, found, {}, { held: true });
    await carryOut(place, component, names, visibility, made);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    await takeBack(place, names.repository, made);
    // Held before: something of an earlier attempt may be there, which goes with the Component.
    const failed = await annotate(place, component, answered({ message: error.message }), {
      held: isHeld(found),
    });
    await tell(place, failed, 'ProvisionFailed', error.message);
    return failed;
  }
  const image = place.root + names.repository;
  const result = answered({ image, visibility, secret: names.secrets.push });
  const done = await annotate(place, component, result, { held: true });
  await tell(place, done, 'Provisioned', `image repository ${image} was provided`);
  return done;
}

async function carryOut(
  place: Place,
  component: Component,
  { repository, robots, secrets }: Names,
  visibility: Visibility,
  made: Made,
): Promise<void> {
  const obtained = await refusable(place, () => obtainRepository(place, repository, visibility));
  made.repository = obtained === 'created';
  if (typeof obtained === 'object') {
    throw new Refusal(obtained.refused === 'planLimit' ? MESSAGE.planLimit : MESSAGE.failed);
  }
  const { run, quay } = place;
  const access = async (robot: string, right: 'read' | 'write') => {
    const account = await refusable(place, () => quay.claimRobot(robot, repository, run.signal));
    if (!account) throw new Refusal(`${MESSAGE.failed}: robot account ${robot} exists already`);
    run.secrets.add(account.token);
    made.robots.add(robot);
    await refusable(place, () => quay.setRole(repository, account.name, right, run.signal));
    return account;
  };
  const { namespace = '' } = component.metadata;
  const imageUrl = place.root + repository;
  const contentFor = (robot: Robot) =>
    dockerConfigJson(imageUrl, { username: robot.name, token: robot.token }, run.secrets);
  const owner = ownerOf(component);

  const push = contentFor(await access(robots.push, 'write'));
  await ensureDockerConfigSecret(
    run.kube,
    { namespace, name: secrets.push, content: push, owner },
    run.signal,
  );
  const pull = { namespace, name: secrets.pull, content: contentFor(await access(robots.pull, 'read')) };
  if (await servesRemoteSecrets(run, run.signal)) {
    const application = component.spec?.application;
    const labels = {
      ...(application && { [APPLICATION_LABEL]: application }),
      [COMPONENT_LABEL]: component.metadata.name,
    };
    await ensureRemoteSecret(run.kube, { ...pull, owner, labels, serviceAccount: 'default' }, run.signal);
    await uploadToRemoteSecret(run.kube, pull, run.signal);
    return;
  }
  await ensureDockerConfigSecret(run.kube, { ...pull, owner, labels: INTERNAL_LABEL }, run.signal);
  await changeLinks(run.kube, { namespace, name: 'default' }, withLink(secrets.pull), run.signal);
}

/** @throws Refusal for what Quay does not accept; what time or an operator repairs goes on as it is */
async function refusable<T>({ run }: Place, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof QuayError) || !error.isRefusal) throw error;
    run.log.error(error.message, { audit: 'true' });
    throw new Refusal(MESSAGE.failed);
  }
}
