/** The story of `longshore policy`: read the rule, get the tags, pick, tell. */
import { REASON } from '../../../functions/image-policy/failures.ts';
import { REASON as SCAN_REASON, STEP } from '../../../functions/image-repository/failures.ts';
import { type ImageName, parseImageName } from '../../../shared/oci/image-name.ts';
import type { TagVerdict } from '../../../shared/policy/explanation.ts';
import { compilePolicy, type Policy } from '../../../shared/policy/policy.ts';
import { PolicyError } from '../../../shared/policy/policy-error.ts';
import { messageOf } from '../../../shared/runtime/errors.ts';
import { RunSecrets } from '../../../shared/runtime/redact.ts';
import { CommandError, type Terminal, UsageError } from '../command.ts';
import { readSource } from '../input.ts';
import { readLogin } from '../login.ts';
import type { ImageFlags, PolicyFlags, Rule } from './flags.ts';
import { type Report, reportJson, reportTable } from './report.ts';

const EXIT = { picked: 0, invalid: 2, nothingFits: 3, registryFailed: 4 } as const;

/** The registry did not answer as it should: exit code 4. */
class ScanError extends Error {}

/**
 * Tries a policy.
 * @returns the exit code
 * @throws UsageError for what can never be meant; CommandError when it was interrupted
 */
export async function runPolicy(
  flags: PolicyFlags,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const { code, report } = await tryPolicy(flags, terminal, signal);
  terminal.stdout.write(flags.output === 'json' ? reportJson(report) : tableOf(code, report));
  if (report.error) terminal.stderr.write(`longshore policy: ${report.error.message}\n`);
  return code;
}

/** An invalid policy and a failed registry have nothing to show. */
function tableOf(code: number, report: Report): string {
  return code === EXIT.picked || code === EXIT.nothingFits ? reportTable(report) : '';
}

async function tryPolicy(
  flags: PolicyFlags,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<{ code: number; report: Report }> {
  const read = tagReader(flags, terminal, signal);
  let policy: Policy;
  try {
    policy = await compileRule(await readRule(flags, terminal));
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    // A registry is not asked for a policy that cannot pick anything.
    const tags = 'file' in flags.tags ? await read() : [];
    return failed(EXIT.invalid, REASON.policy, error, tags.map(untried));
  }
  let tags: string[];
  try {
    tags = await read();
  } catch (error) {
    if (!(error instanceof ScanError)) throw error;
    return failed(EXIT.registryFailed, SCAN_REASON.scan, error, []);
  }
  const verdicts = await policy.explain(tags, signal);
  try {
    const latest = await policy.latest(tags, signal);
    return { code: EXIT.picked, report: { latest, error: null, tags: verdicts } };
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    return failed(EXIT.nothingFits, REASON.evaluation, error, verdicts);
  }
}

function failed(
  code: number,
  reason: string,
  error: Error,
  tags: TagVerdict[],
): { code: number; report: Report } {
  return { code, report: { latest: null, error: { reason, message: messageOf(error) }, tags } };
}

function untried(tag: string): TagVerdict {
  return { tag, value: null, candidate: false, matches: false, why: 'the policy is invalid' };
}

async function readRule({ rule }: PolicyFlags, terminal: Terminal): Promise<Rule> {
  if ('given' in rule) return rule.given;
  const text = await readSource(rule.file, terminal);
  const { readPolicyFile } = await import('./policy-file.ts');
  return readPolicyFile(text, rule);
}

function compileRule({ policy, filterTags }: Rule): Promise<Policy> {
  return compilePolicy(policy, filterTags);
}

/** The distinct tags, read when they are needed. The name of an image is checked at once. */
function tagReader({ tags }: PolicyFlags, terminal: Terminal, signal: AbortSignal): () => Promise<string[]> {
  if ('file' in tags) return async () => tagsOf(await readSource(tags.file, terminal));
  const image = readImageName(tags.image.name);
  return () => scan(image, tags.image, terminal, signal);
}

/** One tag a line; empty lines are none. */
function tagsOf(text: string): string[] {
  return [...new Set(text.split(/\r?\n/).filter((line) => line !== ''))];
}

function readImageName(name: string): ImageName {
  try {
    return parseImageName(name);
  } catch (error) {
    throw new UsageError(`--image: ${messageOf(error)}`);
  }
}

async function scan(
  image: ImageName,
  { insecure, username }: ImageFlags,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<string[]> {
  const secrets = new RunSecrets();
  const login = await readLogin(username, terminal, secrets);
  const { scanTags } = await import('./scan.ts');
  try {
    return await scanTags({ image, insecure, login }, signal);
  } catch (error) {
    if (signal.aborted) throw new CommandError('interrupted');
    throw new ScanError(secrets.scrub(`${STEP.scan.prefix}${messageOf(error)}`));
  }
}
