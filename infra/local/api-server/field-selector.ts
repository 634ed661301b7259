/** Field selectors: `metadata.name=a,type!=Normal`. */
import type { ApiObject } from './api-object.ts';
import type { ResourceDefinition } from './resource-definition.ts';
import { badRequest } from './status-error.ts';

interface Requirement {
  field: string;
  value: string;
  equal: boolean;
}

export interface FieldSelector {
  matches(object: ApiObject): boolean;
  /** The name that the selector asks for, when it asks for one: such a list or watch is about one object. */
  name: string | undefined;
}

/** @throws StatusError 400 for what cannot be parsed, and for a field that the resource cannot be selected by */
export function parseFieldSelector(definition: ResourceDefinition, selector: string): FieldSelector {
  const requirements = splitTerms(selector).map(parseTerm);
  const sample: ApiObject = { apiVersion: '', kind: '', metadata: { name: '' } };
  const known = new Set(Object.keys(selectable(definition, sample)));
  for (const { field } of requirements) {
    if (!known.has(field)) throw badRequest(`field label not supported: ${field}`);
  }
  const byName = requirements.find(({ field, equal }) => field === 'metadata.name' && equal);
  return {
    name: byName?.value,
    matches(object) {
      if (requirements.length === 0) return true;
      const fields = selectable(definition, object);
      return requirements.every(({ field, value, equal }) => (fields[field] === value) === equal);
    },
  };
}

function selectable(definition: ResourceDefinition, object: ApiObject): Record<string, string> {
  return {
    'metadata.name': object.metadata.name,
    ...(definition.namespaced && { 'metadata.namespace': object.metadata.namespace ?? '' }),
    ...definition.selectableFields?.(object),
  };
}

/** Splits at commas that no backslash precedes. */
function splitTerms(selector: string): string[] {
  const terms = selector.match(/(\\.|[^,\\])+/g) ?? [];
  return terms.filter((term) => term.trim() !== '');
}

function parseTerm(term: string): Requirement {
  const match = /^((?:\\.|[^=!\\])+)(!=|==|=)(.*)$/s.exec(term);
  if (!match) throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`);
  const unescaped = (text: string) => text.replace(/\\(.)/g, '$1');
  return { field: unescaped(match[1]!), value: unescaped(match[3]!), equal: match[2] !== '!=' };
}
