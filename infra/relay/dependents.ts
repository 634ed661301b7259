/** From an object that changed to those that refer to it, and back: `dependencies.ts` with the controllers behind it. */
import { kindText } from '../../shared/runtime/reconciler.ts';
import type { Controller } from './controller.ts';
import type { Dependencies } from './dependencies.ts';
import { recordKey } from './slim-record.ts';

interface Known {
  dependencies: Dependencies;
  /** By `kindText`. */
  lines: ReadonlyMap<string, { controller: Controller }>;
}

/** An object, with who looks after it. */
interface Place {
  controller: Controller;
  key: string;
}

/** Those that refer to `target`, a `keyText`. */
export function dependentsOf(target: string, known: Known): Place[] {
  return placesOf(known.dependencies.of(target), known);
}

/** What `dependent` refers to, as far as it is ours. */
export function targetsOf(dependent: string, known: Known): Place[] {
  return placesOf(known.dependencies.targetsOf(dependent), known);
}

/** Whether something that `dependent` refers to is about to run. */
export function waitsForOthers(dependent: string, known: Known): boolean {
  return targetsOf(dependent, known).some(({ controller, key }) => controller.busy(key));
}

function placesOf(objects: Iterable<string>, known: Known): Place[] {
  const places: Place[] = [];
  for (const object of objects) {
    const place = placeOf(object, known);
    if (place) places.push(place);
  }
  return places;
}

/** Undefined: it is of a kind that others look after. */
function placeOf(object: string, { lines }: Known): Place | undefined {
  const [group, kind, namespace, name] = object.split('/') as [string, string, string, string];
  const line = lines.get(kindText({ group, kind }));
  return line && { controller: line.controller, key: recordKey(namespace, name) };
}
