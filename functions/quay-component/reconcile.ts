/** The story of one Component that asks, by the deprecated annotations, for an image repository (spec 13, mode `direct`). */
import { COMPONENT, type Component } from '../../shared/api/component.ts';
import { isConflict, isNotFound } from '../../shared/kube/errors.ts';
import { findObject } from '../../shared/kube/find-object.ts';
import { availabilityMeasures } from '../../shared/quay/availability.ts';
import { openQuay } from '../../shared/quay/client.ts';
import { nameFailure } from '../../shared/quay/run-failure.ts';
import { messageOf, RetryError } from '../../shared/runtime/errors.ts';
import type { Reconcile, RunResult } from '../../shared/runtime/reconciler.ts';
import { answered, type Result, readRequest, readResult } from './annotations.ts';
import { create } from './create.ts';
import { finishDeletion } from './deletion.ts';
import { MESSAGE } from './messages.ts';
import { type Dependencies, type Desk, openPlace } from './place.ts';
import { changeVisibility, type Provided } from './visibility.ts';
import { annotate, isHeld } from './writes.ts';

/** Carries out what a Component asks for. Safe to repeat at any time, at any point. */
export function createReconciler(given: Pick<Dependencies, 'settings'> & Partial<Dependencies>): Reconcile {
  const dependencies: Dependencies = { openQuay, ...given };
  return async (run) => {
    const found = await findObject<Component>(run, COMPONENT);
    if (!found) return { result: 'gone' };
    const { object, resource } = found;
    const desk: Desk = { ...dependencies, run, resource, report: { events: 0, quay: { worked: undefined } } };
    try {
      if (object.metadata.deletionTimestamp) {
        await finishDeletion(desk, object);
        return { result: 'gone', ...reported(desk) };
      }
      await answer(desk, object);
      return { result: 'ok', ...reported(desk) };
    } catch (error) {
      if (isNotFound(error) && !(await findObject(run, COMPONENT))) return { result: 'gone' };
      if (isConflict(error)) throw new RetryError('Conflict', messageOf(error), { cause: error });
      const failure = nameFailure(error, run, desk.report);
      if (!failure) throw error;
      return { ...failure.result, ...reported(desk) };
    }
  };
}

async function answer(desk: Desk, component: Component): Promise<void> {
  const request = readRequest(component);
  if (!request) return;
  const say = (message: string) =>
    annotate(desk, component, answered({ message }), { held: isHeld(component) });
  if ('invalid' in request) {
    await say(request.invalid);
    return;
  }
  const told = readResult(component);
  if (!told) await say(MESSAGE.invalidStatus);
  else if (isProvided(told)) await changeVisibility(desk, component, told, request.visibility);
  else await create(await openPlace(desk), component, request.visibility);
}

function reported({ report }: Desk): Pick<RunResult, 'events' | 'measures'> {
  return { events: report.events, measures: availabilityMeasures(report.quay) };
}

function isProvided(told: Result): told is Provided {
  return Boolean(told.image && told.secret);
}
