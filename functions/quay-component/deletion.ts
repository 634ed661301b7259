/** The end of a Component that we made something for (spec 13.6). */
import type { Component } from '../../shared/api/component.ts';
import { withdrawUpload } from '../../shared/kube/remote-secret.ts';
import { openOrGiveUp, removeAll, reportOrphans } from '../../shared/quay/farewell.ts';
import { readResult, wantsRepositoryDeleted } from './annotations.ts';
import { type Desk, namesOf, openPlace, type Place, repositoryOf } from './place.ts';
import { annotate, isHeld } from './writes.ts';

/**
 * Takes the robots away, and the repository when the Component says so: images outlive the Component otherwise.
 * @throws QuayError as long as waiting for Quay may help
 */
export async function finishDeletion(desk: Desk, component: Component): Promise<void> {
  if (!isHeld(component)) return;
  const { run } = desk;
  const { namespace = '' } = component.metadata;
  const robots = Object.values(namesOf(component).robots);
  const place = await openOrGiveUp(
    component,
    desk,
    () => openPlace(desk),
    (error) => reportOrphans(desk, component, { imageUrl: readResult(component)?.image, robots }, error),
  );
  if (place) await deleteFromQuay(place, component);
  await withdrawUpload(run.kube, { namespace, name: namesOf(component).secrets.pull }, run.signal);
  await annotate(desk, component, {}, { held: false });
}

async function deleteFromQuay(place: Place, component: Component): Promise<void> {
  const { run, quay, root } = place;
  const names = namesOf(component);
  const { image = '' } = readResult(component) ?? {};
  const repository = repositoryOf(image, root, component.metadata.namespace ?? '') ?? names.repository;
  const robots = Object.values(names.robots);
  const removals = robots.map((robot) => () => quay.releaseRobot(robot, repository, run.signal));
  if (wantsRepositoryDeleted(component)) {
    removals.push(() => quay.deleteRepository(repository, run.signal));
  }
  const [left] = await removeAll(component, run.clock, removals);
  if (left) await reportOrphans(place, component, { imageUrl: root + repository, robots }, left);
}
