/** What can be wrong with a policy, or with the tags that it is given. */

/**
 * `invalid`: the policy itself cannot be used, whatever the tags are (condition `InvalidPolicy`, stalled) ·
 * `failure`: it finds no tag among those it was given; other tags may help (condition `Failure`, repeated).
 */
export type PolicyErrorCode = 'invalid' | 'failure';

/** The only error of this folder. The message is one line, with the texts of spec 8. */
export class PolicyError extends Error {
  readonly code: PolicyErrorCode;

  constructor(code: PolicyErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'PolicyError';
    this.code = code;
  }
}

/** Characters of a text of people that a message shows. */
const LONGEST_QUOTE = 300;

/** A text of people in a message: one line, long enough to be found. */
export function excerpt(text: string): string {
  return cut(text).replaceAll(/[\r\n]+/g, ' ');
}

/** The same in quotation marks, with what is not visible written out. */
export function quote(text: string): string {
  return JSON.stringify(cut(text));
}

function cut(text: string): string {
  return text.length <= LONGEST_QUOTE ? text : `${text.slice(0, LONGEST_QUOTE)}…`;
}
