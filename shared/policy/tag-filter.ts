/** `filterTags` (spec 8.4): which tags take part, and the value by which each is ordered. */
import { messageOf } from '../runtime/errors.ts';
import { excerpt, PolicyError } from './policy-error.ts';
import { compilePattern } from './tag-pattern.ts';
import { parseTemplate } from './template.ts';

/** As the object has it; empty and absent are the same. */
export interface FilterTags {
  pattern?: string;
  extract?: string;
}

/** The value of a tag that takes part, undefined for the others. */
export type TagFilter = (tag: string) => string | undefined;

/**
 * @throws PolicyError code `invalid`: `failed to filter tags: invalid regular expression pattern '…': …` (IR-FIL-9)
 */
export async function compileFilter({ pattern = '', extract = '' }: FilterTags): Promise<TagFilter> {
  const program = await compilePattern(pattern).catch((error: unknown) => {
    const text = `invalid regular expression pattern '${excerpt(pattern)}': ${messageOf(error)}`;
    throw new PolicyError('invalid', `failed to filter tags: ${text}`, { cause: error });
  });
  if (extract === '') return (tag) => (program.test(tag) ? tag : undefined);
  const expand = parseTemplate(extract);
  const names = program.namedGroups();
  const groups = program.groupCount();
  return (tag) => {
    const matcher = program.matcher(tag);
    if (!matcher.find()) return undefined;
    return expand((group) => {
      const number = typeof group === 'number' ? group : Object.hasOwn(names, group) ? names[group]! : -1;
      return number >= 0 && number <= groups ? matcher.group(number) : undefined;
    });
  };
}
