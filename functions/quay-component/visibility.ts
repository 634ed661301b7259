/** A Component that has a repository and asks for a visibility (spec 13.3). */
import type { Component } from '../../shared/api/component.ts';
import type { Visibility } from '../../shared/quay/client.ts';
import { tell } from '../../shared/quay/events.ts';
import { answered, type Result } from './annotations.ts';
import { MESSAGE } from './messages.ts';
import { type Desk, openPlace, repositoryOf } from './place.ts';
import { annotate } from './writes.ts';

/** What a Component has been told of its repository. */
export type Provided = Result & { image: string; secret: string };

/** Changes the visibility if it is another; a message of before is gone afterwards. */
export async function changeVisibility(
  desk: Desk,
  component: Component,
  provided: Provided,
  wanted: Visibility,
): Promise<Component> {
  const { image, secret, visibility } = provided;
  const answer = (told: Result) => annotate(desk, component, answered(told), { held: true });
  if (visibility === wanted) return await answer({ image, visibility, secret });
  const place = await openPlace(desk);
  const name = repositoryOf(image, place.root, component.metadata.namespace ?? '');
  if (!name) return await answer({ ...provided, message: MESSAGE.invalidUrl });
  const changed = await place.quay.changeVisibility(name, wanted, desk.run.signal);
  if (changed === 'planLimit') {
    const told = await answer({ ...provided, message: MESSAGE.planLimit });
    await tell(desk, told, 'PlanLimit', MESSAGE.planLimit);
    return told;
  }
  if (changed === 'missing') return await answer({ ...provided, message: MESSAGE.missing });
  const done = await answer({ image, visibility: wanted, secret });
  await tell(desk, done, 'VisibilityChanged', `the image repository is ${wanted} now`);
  return done;
}
