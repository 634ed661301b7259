/** Rules for names, labels and the rest of `metadata`, with the messages of a real API server. */
import type { ApiMeta } from './api-object.ts';
import { invalidValue, type Problem } from './problems.ts';

export type NameRule = 'subdomain' | 'label';

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

const SUBDOMAIN_TEXT =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_TEXT =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const QUALIFIED_TEXT =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE_TEXT =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const ANNOTATIONS_LIMIT = 256 * 1024;

/** What is wrong with an object name; empty when nothing is. */
export function nameProblems(rule: NameRule, name: string): string[] {
  const limit = rule === 'label' ? 63 : 253;
  const problems = name.length > limit ? [`must be no more than ${limit} bytes`] : [];
  const fits = rule === 'label' ? LABEL.test(name) : SUBDOMAIN.test(name);
  return fits ? problems : [...problems, rule === 'label' ? LABEL_TEXT : SUBDOMAIN_TEXT];
}

/** What is wrong with a qualified name such as `example.com/key`. */
export function qualifiedNameProblems(key: string): string[] {
  const slash = key.indexOf('/');
  const problems: string[] = [];
  if (slash === 0) return ['prefix part must be non-empty'];
  if (slash > 0) {
    problems.push(...nameProblems('subdomain', key.slice(0, slash)).map((text) => `prefix part ${text}`));
  }
  const name = key.slice(slash + 1);
  if (name === '') return [...problems, 'name part must be non-empty', QUALIFIED_TEXT];
  if (name.length > 63) problems.push('name part must be no more than 63 bytes');
  if (!QUALIFIED.test(name)) problems.push(QUALIFIED_TEXT);
  return problems;
}

export function labelValueProblems(value: string): string[] {
  const problems = value.length > 63 ? ['must be no more than 63 bytes'] : [];
  return value === '' || QUALIFIED.test(value) ? problems : [...problems, LABEL_VALUE_TEXT];
}

/** Checks `metadata` of an object that is about to be stored. */
export function validateMeta(meta: ApiMeta, rule: NameRule): Problem[] {
  const problems: Problem[] = [];
  const invalid = (field: string, value: unknown, why: string) =>
    problems.push(invalidValue(`metadata.${field}`, value, why));
  for (const problem of nameProblems(rule, meta.name)) invalid('name', meta.name, problem);
  for (const [key, value] of Object.entries(meta.labels ?? {})) {
    for (const problem of qualifiedNameProblems(key)) invalid('labels', key, problem);
    for (const problem of labelValueProblems(value)) invalid('labels', value, problem);
  }
  let size = 0;
  for (const [key, value] of Object.entries(meta.annotations ?? {})) {
    for (const problem of qualifiedNameProblems(key.toLowerCase())) invalid('annotations', key, problem);
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (size > ANNOTATIONS_LIMIT) {
    const message = `Too long: may not be more than ${ANNOTATIONS_LIMIT} bytes`;
    problems.push({ field: 'metadata.annotations', reason: 'FieldValueTooLong', message });
  }
  for (const finalizer of meta.finalizers ?? []) {
    for (const problem of qualifiedNameProblems(finalizer)) invalid('finalizers', finalizer, problem);
  }
  for (const owner of meta.ownerReferences ?? []) {
    if (!owner.apiVersion) invalid('ownerReferences.apiVersion', '', 'version must not be empty');
    for (const field of ['kind', 'name', 'uid'] as const) {
      if (!owner[field]) invalid(`ownerReferences.${field}`, '', 'must not be empty');
    }
  }
  return problems;
}

const SUFFIX_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

/** A name that starts with `prefix` and ends with five letters that spell nothing. */
export function generatedName(prefix: string, random: () => number): string {
  let name = prefix.slice(0, 58);
  for (let i = 0; i < 5; i++) name += SUFFIX_LETTERS[Math.floor(random() * SUFFIX_LETTERS.length)];
  return name;
}
