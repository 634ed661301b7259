/** What a step of the doctor has found. */

/** The steps, in the order in which they are taken. */
export const STEPS = [
  'api-server',
  'crds',
  'rights',
  'relay',
  'functions',
  'bucket',
  'artifacts',
  'controllers',
] as const;
export type StepName = (typeof STEPS)[number];

/** `warning` works today; `skipped` could not be looked at. Neither fails the command. */
export type Result = 'ok' | 'warning' | 'failed' | 'skipped';

export interface Finding {
  step: StepName;
  result: Result;
  /** One line. */
  text: string;
  /** What to do about it. */
  advice?: string;
}

export function ok(step: StepName, text: string): Finding {
  return { step, result: 'ok', text };
}

export function warning(step: StepName, text: string, advice: string): Finding {
  return { step, result: 'warning', text, advice };
}

export function failed(step: StepName, text: string, advice: string): Finding {
  return { step, result: 'failed', text, advice };
}

/** @param advice how to have it looked at, if there is a way */
export function skipped(step: StepName, text: string, advice?: string): Finding {
  return { step, result: 'skipped', text, ...(advice && { advice }) };
}
