/**
 * The flags that `longshore up` has beside the settings (`shared/runtime/settings.ts`). They say what this one command
 * does at a terminal, so the environment does not set them: a `KUBECONFIG` that happens to be there must not turn the
 * demo into a service for somebody's cluster.
 */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { parseDuration } from '../../../shared/runtime/duration.ts';
import {
  readSettings,
  SETTINGS,
  type SettingName,
  type Settings,
  withValue,
} from '../../../shared/runtime/settings.ts';
import { UsageError } from '../../cli/command.ts';
import { helpOfFlag } from '../../cli/help-text.ts';

export interface UpFlags {
  /** End as soon as everything is Ready. */
  once: boolean;
  /** Milliseconds that `once` waits. */
  timeout: number;
  /** Folder for everything that is kept, as an absolute path. */
  data: string;
  /** Serve the cluster of this file; undefined: the demo. */
  kubeconfig: string | undefined;
  context: string | undefined;
  installCrds: boolean;
  apiPort: number;
  /** undefined: the port that the data folder was made with, or the default. */
  registryPort: number | undefined;
  /** The same for the local Quay. */
  quayPort: number | undefined;
}

const port = z
  .string()
  .regex(/^\d+$/, 'expected a port number')
  .transform(Number)
  .pipe(z.number().min(1, 'at least 1').max(65_535, 'at most 65535'));

const timeout = z.string().transform((text, context) => {
  try {
    return parseDuration(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
    return z.NEVER;
  }
});

const path = z.string().min(1, 'expected a path');

interface Flag {
  /** How the help names the value; absent: the flag has none. */
  value?: string;
  help: string;
  schema?: z.ZodType;
}

const FLAGS = {
  once: {
    help: 'End with exit code 0 as soon as everything is Ready, or as an example is meant to be; after --timeout with 1 and the reasons.',
  },
  timeout: { value: 'DURATION', schema: timeout, help: 'How long --once waits. Default: 60s.' },
  data: {
    value: 'DIR',
    schema: path,
    help: 'Where everything is kept. Default: .longshore in the checkout.',
  },
  'api-port': { value: 'PORT', schema: port, help: 'Port of the demo’s API server. Default: 16443.' },
  'registry-port': { value: 'PORT', schema: port, help: 'Port of the demo’s registry. Default: 15000.' },
  'quay-port': { value: 'PORT', schema: port, help: 'Port of the demo’s Quay. Default: 15001.' },
  kubeconfig: { value: 'FILE', schema: path, help: 'Serve the cluster of this file instead of the demo.' },
  context: {
    value: 'NAME',
    schema: z.string().min(1),
    help: 'Context of the kubeconfig; its current one when left out.',
  },
  'install-crds': { help: 'Install or update the CRDs in that cluster first.' },
} satisfies Record<string, Flag>;

const DEFAULT_DATA = join(import.meta.dirname, '../../../.longshore');

type FlagName = keyof typeof FLAGS;

/** Settings whose defaults suit a machine of one's own better than a pod. */
const OVERRIDES = {
  'metrics-addr': '127.0.0.1:18080',
  'health-addr': '127.0.0.1:18080',
  'storage-addr': '127.0.0.1:18080',
  'allow-loopback-addresses': 'true',
} satisfies Partial<Record<SettingName, string>>;

/** The demo's own Quay needs no sparing. */
const DEMO_OVERRIDES = { ...OVERRIDES, 'quay-requests-per-second': '50' };

/**
 * Reads the command line of `longshore up`.
 * @throws UsageError, SettingsError with everything that is wrong
 */
export function readUpFlags(
  args: string[],
  environment: Record<string, string | undefined>,
): { flags: UpFlags; settings: Settings } {
  const { own, rest } = partition(args);
  const values = parseOwn(own);
  if (values.context !== undefined && values.kubeconfig === undefined) {
    throw new UsageError('--context: needs --kubeconfig');
  }
  if (values['install-crds'] && values.kubeconfig === undefined) {
    throw new UsageError('--install-crds: needs --kubeconfig; the demo has its kinds anyway');
  }
  const flags: UpFlags = {
    once: values.once ?? false,
    timeout: values.timeout ?? 60_000,
    data: values.data === undefined ? DEFAULT_DATA : resolve(values.data),
    kubeconfig: values.kubeconfig,
    context: values.context,
    installCrds: values['install-crds'] ?? false,
    apiPort: values['api-port'] ?? 16_443,
    registryPort: values['registry-port'],
    quayPort: values['quay-port'],
  };
  const overrides = flags.kubeconfig === undefined ? DEMO_OVERRIDES : OVERRIDES;
  return { flags, settings: readSettings('up', rest, environment, overrides) };
}

/** Help of all flags: ours, then the settings. */
export function flagHelp(): string {
  const own = Object.entries(FLAGS as Record<string, Flag>).map(([name, { value, help }]) =>
    helpOfFlag(value ? `${name} ${value}` : name, help),
  );
  const settings = (Object.keys(SETTINGS) as SettingName[])
    .filter((name) => (SETTINGS[name].users as readonly string[]).includes('up'))
    .map((name) => {
      const fallback = (OVERRIDES as Partial<Record<SettingName, string>>)[name] ?? SETTINGS[name].default;
      return helpOfFlag(
        name,
        fallback === '' ? SETTINGS[name].help : `${SETTINGS[name].help} Default: ${fallback}.`,
      );
    });
  return `Flags:\n${own.join('')}\nSettings, also read from the environment (METRICS_ADDR, …; see docs/settings.md):\n${settings.join('')}`;
}

interface OwnValues {
  once?: boolean;
  timeout?: number;
  data?: string;
  kubeconfig?: string;
  context?: string;
  'install-crds'?: boolean;
  'api-port'?: number;
  'registry-port'?: number;
  'quay-port'?: number;
}

/** Splits the command line into our flags and the settings'. */
function partition(args: string[]): { own: string[]; rest: string[] } {
  const own: string[] = [];
  const rest: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    const name = arg.slice(2).split('=', 1)[0]!;
    if (!arg.startsWith('--') || name === '') throw new UsageError(`unexpected argument '${arg}'`);
    if (name in SETTINGS && (SETTINGS[name as SettingName].users as readonly string[]).includes('up')) {
      rest.push(arg);
      if (takesNext(arg, args[at + 1])) rest.push(args[++at]!);
    } else if (Object.hasOwn(FLAGS, name)) {
      own.push(arg);
      if ('value' in FLAGS[name as FlagName] && takesNext(arg, args[at + 1])) own.push(args[++at]!);
    } else throw new UsageError(`unknown flag '--${name}'`);
  }
  return { own, rest };
}

/** `--name value`, as against `--name=value` and a flag that stands alone. */
function takesNext(arg: string, next: string | undefined): boolean {
  return !arg.includes('=') && next !== undefined && !next.startsWith('--');
}

function parseOwn(args: string[]): OwnValues {
  const options = Object.fromEntries(
    Object.entries(FLAGS as Record<string, Flag>).map(([name, { value }]) => [
      name,
      { type: value ? 'string' : 'boolean' } as const,
    ]),
  );
  const result: Record<string, unknown> = {};
  const problems: string[] = [];
  const { values } = parseOrRefuse(args, options);
  for (const [name, value] of Object.entries(values)) {
    const parsed = (FLAGS[name as FlagName] as Flag).schema?.safeParse(value) ?? {
      success: true,
      data: value,
    };
    if (parsed.success) result[name] = parsed.data;
    else problems.push(`--${name}: ${withValue(parsed.error!.issues[0]!.message, String(value))}`);
  }
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return result as OwnValues;
}

function parseOrRefuse(args: string[], options: Record<string, { type: 'string' | 'boolean' }>) {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
