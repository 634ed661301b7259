/** The rules that every stored state of an object keeps, so that kstatus reads it right (IR-REC-15). */
import assert from 'node:assert/strict';
import type { Condition, KubeObject, ReconcileStatus } from '../../shared/kube/resource.ts';

const OWNED = ['Ready', 'Reconciling', 'Stalled'];
const ORDER = ['Stalled', 'Reconciling', 'Ready'];

/**
 * Throws when a rule is broken, with the whole status in the message.
 * @param atRest no run works on the object: then exactly one of the pictures of IR-REC-11 holds
 */
export function assertKstatus(object: KubeObject<unknown, ReconcileStatus>, atRest = true): void {
  const conditions = object.status?.conditions ?? [];
  const generation = object.metadata.generation!;
  const observed = object.status?.observedGeneration ?? -1;
  const rule = (holds: boolean, text: string) =>
    assert.ok(holds, `${text}: ${JSON.stringify(object.status, null, 1)}`);
  const find = (type: string): Condition | undefined => conditions.find((each) => each.type === type);
  const ready = find('Ready');
  const isReconciling = find('Reconciling')?.status === 'True';
  const isStalled = find('Stalled')?.status === 'True';

  rule(ready !== undefined, 'Ready is always present');
  rule(new Set(conditions.map((each) => each.type)).size === conditions.length, 'one condition a type');
  rule(!(isReconciling && isStalled), 'never both Reconciling and Stalled');
  rule(!(ready?.status === 'True' && isStalled), 'Ready is not True while Stalled is');
  rule(ready?.status !== 'Unknown' || isReconciling, 'Ready is Unknown only while Reconciling');
  rule(observed <= generation, 'the observed generation is not ahead');
  const owned = conditions.filter((each) => OWNED.includes(each.type)).map((each) => each.type);
  rule(
    String(owned) === String(ORDER.filter((type) => owned.includes(type))),
    'order: Stalled, Reconciling, Ready',
  );
  for (const each of conditions) {
    rule(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(each.lastTransitionTime), 'times are whole seconds, UTC');
    rule(each.message.length <= 32768, 'messages fit');
  }
  if (!atRest) return;

  rule(ready?.observedGeneration === generation, 'Ready is about this generation');
  if (ready?.status === 'True') {
    rule(!isReconciling, 'Ready is not True while Reconciling is');
    rule(observed === generation, 'success moves the observed generation');
  } else if (isStalled) {
    rule(observed === generation, 'a stall moves the observed generation');
    rule(find('Stalled')?.reason === ready?.reason, 'Stalled and Ready have one reason');
    rule(find('Stalled')?.message === ready?.message, 'Stalled and Ready have one message');
  } else {
    rule(isReconciling, 'a failure that is repeated is Reconciling');
    rule(find('Reconciling')?.reason === 'ProgressingWithRetry', 'and says that it is repeated');
  }
}
