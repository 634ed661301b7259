/** The end of a Component that we made something for (spec 13.6). */
import type { Component } from '../../shared/api/component.ts';
import { withdrawUpload } from '../../shared/kube/remote-secret.ts';
import { tell } from '../../shared/quay/events.ts';
import { removeAll } from '../../shared/quay/farewell.ts';
import { readResult, wantsRepositoryDeleted } from './annotations.ts';
import { type Desk, namesOf, openPlace, repositoryOf, robotOwner } from './place.ts';
import { annotate, isHeld } from './writes.ts';

/**
 * Takes the robots away, and the repository when the Component says so: images outlive the Component otherwise.
 * @throws QuayError as long as waiting for Quay may help
 */
export async function finishDeletion(desk: Desk, component: Component): Promise<void> {
  if (!isHeld(component)) return;
  const { run } = desk;
  const { namespace = '' } = component.metadata;
  const place = await openPlace(desk);
  const names = namesOf(component);
  const { image = '' } = readResult(component) ?? {};
  const repository = repositoryOf(image, place.root, namespace) ?? names.repository;
  const { push, pull } = names.robots;
  const removals = [push, pull].map(
    (robot) => () => place.quay.releaseRobot(robot, robotOwner(component), run.signal),
  );
  if (wantsRepositoryDeleted(component)) {
    removals.push(() => place.quay.deleteRepository(repository, run.signal));
  }
  const left = await removeAll(component, run.clock, removals);
  for (const error of left) {
    run.log.error(`left behind in Quay: ${error.message}`, {
      action: 'DELETE',
      audit: 'true',
      orphan: place.root + repository,
      robots: [push, pull],
    });
  }
  if (left.length > 0) {
    await tell(
      place,
      component,
      'Orphaned',
      `deleted without Quay: ${place.root}${repository} or its robots may still exist`,
    );
  }
  await withdrawUpload(run.kube, { namespace, name: names.secrets.pull }, run.signal);
  await annotate(desk, component, {}, { held: false });
}
