/** The command line of `longshore policy`. */
import { parseArgs } from 'node:util';
import type { PolicyChoice } from '../../../shared/policy/policy.ts';
import type { FilterTags } from '../../../shared/policy/tag-filter.ts';
import { asUsage, UsageError } from '../command.ts';
import { helpOfFlags } from '../help-text.ts';
import { type Source, STANDARD_INPUT } from '../input.ts';
import { LOGIN_FLAGS, requireBothOrNone } from '../login.ts';

export interface PolicyFlags {
  rule: PolicyFile | { given: Rule };
  tags: { file: Source } | { image: ImageFlags };
  output: 'table' | 'json';
}

/** Where a policy stands; `name`: which one of several. */
export interface PolicyFile {
  file: Source;
  name: string | undefined;
}

/** The parts of `spec` that decide. */
export interface Rule {
  policy: PolicyChoice;
  filterTags?: FilterTags;
}

export interface ImageFlags {
  name: string;
  insecure: boolean;
  /** Its password comes from standard input. */
  username: string | undefined;
}

const FLAGS = {
  file: {
    type: 'string',
    short: 'f',
    value: 'FILE',
    help: 'YAML or JSON with an ImagePolicy; other objects in it are passed over. - is standard input.',
  },
  name: {
    type: 'string',
    value: 'NAME',
    help: 'Which ImagePolicy of the file, where there are several: NAME, or NAMESPACE/NAME.',
  },
  semver: {
    type: 'string',
    value: 'RANGE',
    help: "The highest version in a range, e.g. '1.x' or '>=1.0.0-0'.",
  },
  numerical: {
    type: 'string',
    value: 'ORDER',
    help: 'The highest number (asc) or the lowest (desc). Every candidate must be a number.',
  },
  alphabetical: { type: 'string', value: 'ORDER', help: 'The last by bytes (asc) or the first (desc).' },
  filter: {
    type: 'string',
    value: 'PATTERN',
    help: 'Only tags that this regular expression (RE2) matches take part.',
  },
  extract: {
    type: 'string',
    value: 'TEMPLATE',
    help: "What of a tag is compared, with the groups of the pattern: '$1', '$timestamp'. Default: the whole tag.",
  },
  tags: { type: 'string', value: 'FILE', help: 'The tags, one a line. - is standard input.' },
  image: {
    type: 'string',
    value: 'NAME',
    help: 'Scan this repository, as an ImageRepository with the default exclusion list would (no .sig tags).',
  },
  ...LOGIN_FLAGS,
  output: { type: 'string', short: 'o', value: 'FORMAT', help: 'table (default) or json.' },
} as const;

/** The flags, one below the other, as the help shows them. */
export function policyFlagHelp(): string {
  return helpOfFlags(FLAGS);
}

/**
 * Reads the arguments of `longshore policy`.
 * @throws UsageError that names the flag
 */
export function readPolicyFlags(args: string[]): PolicyFlags {
  const values = parse(args);
  const flags: PolicyFlags = {
    rule: readRule(values),
    tags: readTags(values),
    output: readOutput(values.output),
  };
  const readers = [
    'file' in flags.rule && flags.rule.file === STANDARD_INPUT && '-f -',
    'file' in flags.tags && flags.tags.file === STANDARD_INPUT && '--tags -',
    values['password-stdin'] && '--password-stdin',
  ].filter((each) => typeof each === 'string');
  if (readers.length > 1) throw new UsageError(`${readers.join(' and ')} cannot both read standard input`);
  return flags;
}

type Values = ReturnType<typeof parse>;

function parse(args: string[]) {
  return asUsage(() => parseArgs({ args, options: FLAGS, allowPositionals: false, strict: true }).values);
}

function readRule(values: Values): PolicyFlags['rule'] {
  const { file, name, semver, numerical, alphabetical, filter, extract } = values;
  const rules = Object.entries({
    '-f': file,
    '--semver': semver,
    '--numerical': numerical,
    '--alphabetical': alphabetical,
  });
  const given = rules.filter(([, value]) => value !== undefined).map(([name]) => name);
  if (given.length === 0) {
    throw new UsageError('a policy is missing: give -f FILE, --semver, --numerical or --alphabetical');
  }
  if (given.length > 1)
    throw new UsageError(`${given.join(' and ')}: only one policy can be tried at a time`);
  if (file !== undefined) {
    if (filter !== undefined || extract !== undefined) {
      throw new UsageError('--filter and --extract do not go with -f: the file has its own filterTags');
    }
    return { file, name };
  }
  if (name !== undefined) throw new UsageError('--name needs -f');
  if (extract !== undefined && filter === undefined) throw new UsageError('--extract needs --filter');
  const policy =
    semver !== undefined
      ? { semver: { range: semver } }
      : numerical !== undefined
        ? { numerical: { order: numerical } }
        : { alphabetical: { order: alphabetical! } };
  if (filter === undefined) return { given: { policy } };
  return { given: { policy, filterTags: { pattern: filter, extract: extract ?? '' } } };
}

function readTags(values: Values): PolicyFlags['tags'] {
  const { tags, image, insecure = false, username } = values;
  const password = values['password-stdin'] ?? false;
  if ((tags === undefined) === (image === undefined)) {
    throw new UsageError(
      tags === undefined
        ? 'the tags are missing: give --tags FILE or --image NAME'
        : '--tags and --image exclude each other',
    );
  }
  if (image === undefined) {
    for (const [flag, given] of Object.entries({ insecure, username, 'password-stdin': password })) {
      if (given) throw new UsageError(`--${flag} needs --image`);
    }
    return { file: tags! };
  }
  requireBothOrNone(username, password);
  return { image: { name: image, insecure, username } };
}

function readOutput(output: string | undefined): 'table' | 'json' {
  if (output === undefined || output === 'table') return 'table';
  if (output === 'json') return 'json';
  throw new UsageError(`--output: expected table or json (got '${output}')`);
}
