/**
 * Every setting, read in one place and validated before anything starts (decisions 1). A setting that Flux has
 * carries Flux's flag name; the environment name is the same in capitals. `docs/settings.md` is this table (a test
 * compares them). Flags win over the environment.
 */
import util from 'node:util';
import type * as z from 'zod/mini';
import {
  API_GROUPS,
  address,
  apiGroups,
  baseUrl,
  count,
  delay,
  duration,
  featureGates,
  flag,
  labelSelector,
  matching,
  namespaces,
  oneOf,
  text,
} from './setting-values.ts';

/** Who reads a setting: the relay, the functions, or `longshore up` (which is both, and the demo). */
export type SettingUser = 'relay' | 'functions' | 'up';

interface Setting<T> {
  schema: z.ZodMiniType<T>;
  help: string;
  users: readonly SettingUser[];
  /** The default as a user would write it; none: the setting is empty. */
  default: string;
}

function setting<T>(
  schema: z.ZodMiniType<T>,
  fallback: string,
  users: SettingUser[],
  help: string,
): Setting<T> {
  return { schema, default: fallback, users, help };
}

/** The table. Keys are the flag names. */
export const SETTINGS = {
  'cluster-id': setting(
    matching(/^[a-z0-9]([a-z0-9.-]{0,62}[a-z0-9])?$/, 'expected lower-case letters, digits, dots, dashes'),
    'default',
    ['relay', 'up'],
    'Names the cluster: first part of every key in the object store, so that clusters can share one.',
  ),
  namespace: setting(
    namespaces,
    '',
    ['relay', 'up'],
    'Namespaces to serve, separated by commas; empty: all of them.',
  ),
  'watch-label-selector': setting(
    labelSelector,
    '',
    ['relay', 'up'],
    'Only objects with these labels are served: the way to shard, and to migrate step by step.',
  ),
  concurrent: setting(
    count(1, 64),
    '16',
    ['relay', 'up'],
    'Batches in flight for each function, of up to 25 objects each; in one process, 25 times as many objects.',
  ),
  'min-retry-delay': setting(
    delay,
    '750ms',
    ['relay', 'up'],
    'Wait after the first failure of an object; doubles with each one.',
  ),
  'max-retry-delay': setting(delay, '15m', ['relay', 'up'], 'Longest wait after a failure.'),
  'requeue-dependency': setting(
    delay,
    '30s',
    ['functions', 'up'],
    'How often an ImagePolicy looks for the first tags of its repository, which wakes it anyway when it has some.',
  ),
  'no-cross-namespace-refs': setting(
    flag,
    'false',
    ['functions', 'up'],
    'Objects may refer to objects of their own namespace only, whatever access lists say.',
  ),
  'interval-jitter-percentage': setting(
    count(0, 100),
    '0',
    ['relay', 'functions', 'up'],
    'Spreads the intervals of image scans by this many percent.',
  ),
  'sweep-interval': setting(
    duration,
    '24h',
    ['relay', 'up'],
    'How often stored tag records and artifacts of deleted objects are removed.',
  ),
  'lambda-function-prefix': setting(
    text,
    'longshore-dev-',
    ['relay'],
    'What stands before the name of a function, such as image-repository, in the account.',
  ),
  'lambda-endpoint': setting(text, '', ['relay'], 'Address of the Lambda API; empty: the region’s own.'),
  'enable-leader-election': setting(
    flag,
    'true',
    ['relay'],
    'Of several relays only the holder of a Lease acts; the others stand by and serve artifacts.',
  ),
  'leader-election-id': setting(
    matching(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, 'expected the name of a Lease'),
    'longshore-relay',
    ['relay'],
    'Name of the Lease, in the namespace of the pod; relays with different scopes need different ones.',
  ),
  'service-account-folder': setting(
    text,
    '/var/run/secrets/kubernetes.io/serviceaccount',
    ['relay'],
    'Where token, ca.crt and namespace of the pod’s ServiceAccount are.',
  ),
  'api-groups': setting(
    apiGroups,
    API_GROUPS.join(','),
    ['relay'],
    'API groups whose kinds are served, separated by commas.',
  ),
  'functions-service-account-prefix': setting(
    matching(/^[a-z0-9][a-z0-9.-]*$/, 'expected the beginning of a ServiceAccount’s name'),
    'longshore-',
    ['relay'],
    'What stands before the name of a function in that of its ServiceAccount, in the namespace of the pod.',
  ),
  'eks-cluster': setting(
    matching(/^([0-9A-Za-z][A-Za-z0-9_-]{0,99})?$/, 'expected the name of an EKS cluster'),
    '',
    ['relay'],
    'EKS cluster whose access entries let the functions in by their own roles; empty: the relay mints tokens for them.',
  ),
  'functions-api-server': setting(
    matching(/^(https:\/\/[^\s/?#@]+(\/[^\s?#]*)?)?$/, 'expected https://HOST[:PORT]'),
    '',
    ['relay'],
    'Address of the API server as the functions reach it; empty: as the pod does, which a function outside cannot.',
  ),
  'functions-api-ca-file': setting(
    text,
    '',
    ['relay'],
    'PEM file of the authority of that address; empty: that of the pod; system: the roots that everybody trusts.',
  ),
  'metrics-addr': setting(address, ':8080', ['relay', 'up'], 'Where /metrics is served.'),
  'health-addr': setting(address, ':9440', ['relay', 'up'], 'Where /healthz and /readyz are served.'),
  'storage-addr': setting(address, ':9090', ['relay', 'up'], 'Where artifacts are served.'),
  'log-level': setting(
    oneOf('debug', 'info', 'error'),
    'info',
    ['relay', 'functions', 'up'],
    'Lines below this level are left out.',
  ),
  'storage-bucket': setting(text, '', ['relay', 'functions'], 'S3 bucket of tag records and artifacts.'),
  'storage-prefix': setting(
    matching(/^([A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*)?$/, 'expected path segments joined by /'),
    '',
    ['relay', 'functions'],
    'Put before every key in the bucket.',
  ),
  'storage-endpoint': setting(
    text,
    '',
    ['relay', 'functions'],
    'Address of an S3-compatible server; empty: the region’s own.',
  ),
  'artifact-base-url': setting(
    baseUrl,
    '',
    ['relay', 'functions', 'up'],
    'What the URLs of artifacts begin with: the relay’s Service, or where else the bucket is read. A host alone means http. Empty with longshore up: its own --storage-addr.',
  ),
  'artifact-retention-ttl': setting(
    duration,
    '10m',
    ['functions', 'up'],
    'How long the files of earlier artifacts stay, for consumers that come late.',
  ),
  'artifact-retention-records': setting(
    count(1, 1000),
    '2',
    ['functions', 'up'],
    'Files of one object that stay at most, the current one included.',
  ),
  'artifact-digest-algo': setting(
    oneOf('sha256', 'sha384', 'sha512'),
    'sha256',
    ['functions', 'up'],
    'Algorithm of artifact.digest, for consumers that want another one; the store is checked by SHA-256 anyway.',
  ),
  'aws-autologin-for-ecr': setting(
    flag,
    'false',
    ['functions', 'up'],
    'Log in to ECR hosts with the function’s own role when an ImageRepository names no Secret and no provider.',
  ),
  'feature-gates': setting(
    featureGates,
    '',
    ['functions', 'up'],
    'ObjectLevelWorkloadIdentity=true lets an object use the cloud role of its service account.',
  ),
  'default-service-account': setting(
    text,
    '',
    ['functions', 'up'],
    'Service account of objects that name none; needs the gate.',
  ),
  'token-cache-max-size': setting(
    count(0, 10_000),
    '100',
    ['functions', 'up'],
    'Cloud tokens kept in memory; 0: none.',
  ),
  'token-cache-max-duration': setting(
    duration,
    '1h',
    ['functions', 'up'],
    'Longest time that a cloud token is kept; at most 1h.',
  ),
  'allow-private-addresses': setting(
    flag,
    'true',
    ['functions', 'up'],
    'Registries may have private addresses.',
  ),
  'allow-loopback-addresses': setting(
    flag,
    'false',
    ['functions', 'up'],
    'Registries may have loopback addresses. On with longshore up; off in a deployed function, whose runtime listens there.',
  ),
  'quay-api-url': setting(
    matching(/^(https?:\/\/[^\s?#@]+)?$/, 'expected http[s]://HOST[:PORT]/api/v1'),
    '',
    ['functions', 'up'],
    'API of Quay; empty: key quayapiurl of Secret quaytoken, else https://quay.io/api/v1.',
  ),
  'quay-org': setting(
    matching(/^([a-z0-9][a-z0-9._-]*)?$/i, 'expected the name of an organization'),
    '',
    ['functions', 'up'],
    'Quay organization that owns all repositories and robots; empty: key organization of Secret quaytoken.',
  ),
  'quay-registry-host': setting(
    matching(/^([a-z0-9.-]+(:\d{1,5})?)?$/i, 'expected HOST or HOST:PORT'),
    '',
    ['functions', 'up'],
    'Host in image URLs where it is not that of the API.',
  ),
  'quay-additional-ca': setting(
    text,
    '',
    ['functions', 'up'],
    'PEM file of authorities that a Quay of your own needs beside the system’s; empty: key ca.crt of Secret quaytoken, if any.',
  ),
  'delete-without-registry': setting(
    flag,
    'false',
    ['functions', 'up'],
    'A Quay ImageRepository whose token has been unusable for 24h may be deleted; its repository and robots then stay in Quay.',
  ),
  'quay-requests-per-second': setting(
    count(1, 50),
    '2',
    ['functions', 'up'],
    'Requests to Quay of one process, in bursts of five seconds’ worth. quay.io allows 5 for each address.',
  ),
  'max-tags': setting(
    count(1, 10_000_000),
    '1000000',
    ['functions', 'up'],
    'A scan that finds more tags fails.',
  ),
  'max-layer-bytes': setting(
    count(1, 4_294_967_296),
    '104857600',
    ['functions', 'up'],
    'A layer of an OCIRepository that is larger fails.',
  ),
  'max-extracted-bytes': setting(
    count(1, 4_294_967_296),
    '524288000',
    ['functions', 'up'],
    'A layer whose files are larger in all fails; what spec.ignore leaves out counts too.',
  ),
  'max-extracted-entries': setting(
    count(1, 10_000_000),
    '100000',
    ['functions', 'up'],
    'A layer with more files, directories and links fails.',
  ),
} satisfies Record<string, Setting<unknown>>;

type Table = typeof SETTINGS;

/** The value of each setting, by its flag name. Durations are milliseconds. */
export type Settings = { [Name in keyof Table]: Table[Name] extends Setting<infer T> ? T : never };

export type SettingName = keyof Table;

/** Settings that cannot be used, each with its name and what is expected. */
export class SettingsError extends Error {
  constructor(problems: string[]) {
    super(problems.join('\n'));
    this.name = 'SettingsError';
  }
}

export function environmentName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}

/**
 * Reads the settings of one user from flags and environment.
 * @param user whose settings are accepted as flags; all others have their defaults
 * @param args command line without node and script; `--name value`, `--name=value`; for true/false also `--name` alone
 * @param overrides defaults of this user that differ from the table's
 * @throws SettingsError with one line for every problem
 */
export function readSettings(
  user: SettingUser,
  args: string[],
  environment: Record<string, string | undefined>,
  overrides: Partial<Record<SettingName, string>> = {},
): Settings {
  const names = (Object.keys(SETTINGS) as SettingName[]).filter((name) =>
    (SETTINGS[name].users as readonly SettingUser[]).includes(user),
  );
  const problems: string[] = [];
  const flags = parseFlags(args, names, problems);
  const result: Record<string, unknown> = {};
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    const own = names.includes(name);
    const fromEnvironment = own ? environment[environmentName(name)] || undefined : undefined;
    const raw = flags[name] ?? fromEnvironment ?? overrides[name] ?? SETTINGS[name].default;
    const parsed = (SETTINGS[name].schema as z.ZodMiniType).safeParse(raw);
    if (parsed.success) result[name] = parsed.data;
    else {
      const origin = flags[name] !== undefined ? `--${name}` : environmentName(name);
      problems.push(...parsed.error.issues.map((issue) => `${origin}: ${withValue(issue.message, raw)}`));
    }
  }
  if (problems.length > 0) throw new SettingsError(problems);
  const settings = result as Settings;
  if (settings['default-service-account'] && !settings['feature-gates'].ObjectLevelWorkloadIdentity) {
    throw new SettingsError([
      '--default-service-account: needs --feature-gates=ObjectLevelWorkloadIdentity=true',
    ]);
  }
  return settings;
}

/** What is wrong and with which value, which some messages quote themselves. */
export function withValue(message: string, value: string): string {
  return value !== '' && message.includes(`'${value}'`) ? message : `${message} (got '${value}')`;
}

/** Flags may repeat: the values of a list are joined. */
function parseFlags(
  args: string[],
  names: SettingName[],
  problems: string[],
): Partial<Record<string, string>> {
  // A function has none, and need not load what reads them: that is also why `util` is imported as a whole.
  if (args.length === 0) return {};
  const options = Object.fromEntries(
    names.map((name) => [name, { type: 'string', multiple: true } as const]),
  );
  const spelledOut = args.map((arg) => (isBareFlag(arg) ? `${arg}=true` : arg));
  try {
    const { values } = util.parseArgs({ args: spelledOut, options, strict: true, allowPositionals: false });
    return Object.fromEntries(
      Object.entries(values).map(([name, parts]) => [name, (parts as string[]).join(',')]),
    );
  } catch (error) {
    problems.push((error as Error).message);
    return {};
  }
}

function isBareFlag(arg: string): boolean {
  const name = arg.slice(2) as SettingName;
  return arg.startsWith('--') && name in SETTINGS && (SETTINGS[name].schema as unknown) === flag;
}
