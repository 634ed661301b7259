/** The command line of `longshore artifact pull`. */
import { parseArgs } from 'node:util';
import type { LayerSelector, OciReference } from '../../../shared/api/oci-repository.ts';
import { parseDuration } from '../../../shared/runtime/duration.ts';
import { messageOf } from '../../../shared/runtime/errors.ts';
import { asUsage, UsageError } from '../command.ts';
import { helpOfFlags } from '../help-text.ts';
import { type Source, STANDARD_INPUT } from '../input.ts';
import { LOGIN_FLAGS, requireBothOrNone } from '../login.ts';

export interface ArtifactFlags {
  url: string;
  /** `spec.ref`; undefined: the tag `latest`. */
  ref: OciReference | undefined;
  /** Where the text of `spec.ignore` is. */
  ignore: Source | undefined;
  layerSelector: LayerSelector | undefined;
  insecure: boolean;
  /** Its password comes from standard input. */
  username: string | undefined;
  timeoutMs: number;
  /** File that is written. */
  output: string;
}

const FLAGS = {
  tag: { type: 'string', value: 'TAG', help: 'The tag. Default: latest.' },
  semver: { type: 'string', value: 'RANGE', help: "The highest version in a range, e.g. '1.x'." },
  'semver-filter': {
    type: 'string',
    value: 'PATTERN',
    help: 'Only tags that this regular expression (RE2) matches take part; with --semver.',
  },
  digest: { type: 'string', value: 'DIGEST', help: 'The manifest: sha256: and 64 hex digits.' },
  layer: {
    type: 'string',
    value: 'TYPE',
    help: 'The first layer of this media type. Default: the chart of a Helm chart, else the first layer.',
  },
  operation: {
    type: 'string',
    value: 'OPERATION',
    help: 'extract (default): unpack the layer and pack it again, reproducibly; copy: keep it as it is.',
  },
  ignore: {
    type: 'string',
    value: 'FILE',
    help: 'Rules of what to leave out, as in spec.ignore. - is standard input. Default: .sourceignore files of the layer, else the default list.',
  },
  ...LOGIN_FLAGS,
  insecure: {
    type: 'boolean',
    help: 'Plain HTTP to the registry where HTTPS does not answer, and any certificate.',
  },
  timeout: {
    type: 'string',
    value: 'DURATION',
    help: 'For everything that the registry is asked. Default: 5m.',
  },
  output: { type: 'string', short: 'o', value: 'FILE', help: 'The file that is written.' },
} as const;

/** The flags, one below the other, as the help shows them. */
export function artifactFlagHelp(): string {
  return helpOfFlags(FLAGS);
}

/**
 * Reads the arguments of `longshore artifact`.
 * @throws UsageError that names the flag
 */
export function readArtifactFlags(args: string[]): ArtifactFlags {
  const [verb, ...rest] = args;
  if (verb !== 'pull') throw new UsageError(`expected pull${verb === undefined ? '' : `, not '${verb}'`}`);
  const { values, positionals } = asUsage(() =>
    parseArgs({ args: rest, options: FLAGS, allowPositionals: true, strict: true }),
  );
  const [url, extra] = positionals;
  if (url === undefined) throw new UsageError('the address is missing: give oci://HOST/REPOSITORY');
  if (extra !== undefined) throw new UsageError(`Unexpected argument '${extra}'`);
  const { ignore, insecure = false, username, output, timeout = '5m' } = values;
  const layerSelector = readSelector(values);
  if (ignore !== undefined && layerSelector?.operation === 'copy') {
    throw new UsageError('--ignore does not go with --operation copy: the layer stays as it is');
  }
  const passwordStdin = values['password-stdin'] ?? false;
  requireBothOrNone(username, passwordStdin);
  if (passwordStdin && ignore === STANDARD_INPUT) {
    throw new UsageError('--ignore - and --password-stdin cannot both read standard input');
  }
  if (output === undefined || output === '')
    throw new UsageError('-o FILE is missing: where the artifact goes');
  const ref = readReference(values);
  return { url, ref, ignore, layerSelector, insecure, username, timeoutMs: readTimeout(timeout), output };
}

interface ReferenceValues {
  tag?: string;
  semver?: string;
  'semver-filter'?: string;
  digest?: string;
}

function readReference(values: ReferenceValues): OciReference | undefined {
  const { tag, semver, digest, 'semver-filter': semverFilter } = values;
  const given = Object.entries({ '--tag': tag, '--semver': semver, '--digest': digest })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name);
  if (given.length > 1) throw new UsageError(`${given.join(' and ')} exclude each other`);
  if (semverFilter !== undefined && semver === undefined)
    throw new UsageError('--semver-filter needs --semver');
  if (semver !== undefined) return { semver, ...(semverFilter !== undefined && { semverFilter }) };
  if (digest !== undefined) return { digest };
  return tag === undefined ? undefined : { tag };
}

function readSelector(values: { layer?: string; operation?: string }): LayerSelector | undefined {
  const { layer, operation } = values;
  if (operation !== undefined && operation !== 'extract' && operation !== 'copy') {
    throw new UsageError(`--operation: expected extract or copy (got '${operation}')`);
  }
  if (layer === undefined && operation === undefined) return undefined;
  return { ...(layer !== undefined && { mediaType: layer }), ...(operation && { operation }) };
}

function readTimeout(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new UsageError(`--timeout: ${messageOf(error)}`);
  }
}
