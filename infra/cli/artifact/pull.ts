/** The story of `longshore artifact pull`: choose, resolve, pull, write the file, tell. */
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { parseRepositoryUrl } from '../../../functions/oci-repository/address.ts';
import { REASON, STEP } from '../../../functions/oci-repository/failures.ts';
import { type Pulled, pullArtifact } from '../../../functions/oci-repository/pull.ts';
import {
  chooseReference,
  type Resolved,
  resolveReference,
} from '../../../functions/oci-repository/reference.ts';
import type { ProducedArtifact } from '../../../shared/artifact/produce-artifact.ts';
import { RegistryError } from '../../../shared/oci/errors.ts';
import type { ImageName } from '../../../shared/oci/image-name.ts';
import { systemClock } from '../../../shared/runtime/clock.ts';
import { messageOf, RetryError } from '../../../shared/runtime/errors.ts';
import { inStep } from '../../../shared/runtime/failure.ts';
import { RunSecrets } from '../../../shared/runtime/redact.ts';
import { startTimeout } from '../../../shared/runtime/timeout.ts';
import { CommandError, type Terminal, UsageError } from '../command.ts';
import { fileProblem, readSource } from '../input.ts';
import { readLogin } from '../login.ts';
import { commandSettings, openCommandRegistry } from '../registry.ts';
import type { ArtifactFlags } from './flags.ts';
import { reportPull } from './report.ts';

const EXIT = { written: 0, noArtifact: 3, registryFailed: 4 } as const;

/**
 * Pulls an artifact into a file.
 * @returns the exit code
 * @throws UsageError for what can never be meant; CommandError when the file cannot be written, or when it was interrupted
 */
export async function runPull(
  flags: ArtifactFlags,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const image = readAddress(flags.url);
  const ignore = flags.ignore === undefined ? undefined : await readSource(flags.ignore, terminal);
  const secrets = new RunSecrets();
  try {
    const { resolved, pulled } = await pull(flags, image, ignore, terminal, secrets, signal);
    try {
      await writeWhole(flags.output, pulled.produced, signal);
    } finally {
      pulled.produced.dispose();
    }
    terminal.stdout.write(reportPull(flags.output, resolved, pulled));
    return EXIT.written;
  } catch (error) {
    if (signal.aborted) throw new CommandError('interrupted');
    if (!(error instanceof RetryError) || error.reason === REASON.scratch) throw error;
    terminal.stderr.write(`longshore artifact: ${secrets.scrub(messageOf(error))}\n`);
    return isOfRegistry(error) ? EXIT.registryFailed : EXIT.noArtifact;
  }
}

async function pull(
  flags: ArtifactFlags,
  image: ImageName,
  ignore: string | undefined,
  terminal: Terminal,
  secrets: RunSecrets,
  interrupted: AbortSignal,
): Promise<{ resolved: Resolved; pulled: Pulled }> {
  const { url, ref, layerSelector, insecure, timeoutMs } = flags;
  const login = await readLogin(flags.username, terminal, secrets);
  const settings = commandSettings();
  const spec = { url, ref, layerSelector, ignore };
  const run = { clock: systemClock, deadline: Number.POSITIVE_INFINITY, signal: interrupted };
  const timeout = startTimeout(timeoutMs, run);
  const { signal } = timeout;
  try {
    const access = { image, insecure, skipVerify: insecure, login };
    const registry = openCommandRegistry(access, settings, timeoutMs);
    const reference = await inStep(STEP.choose(url), signal, () => chooseReference(spec, registry, signal));
    const options = { registry, image, wantsManifest: true };
    const resolved = await inStep(STEP.resolve, signal, () => resolveReference(reference, options, signal));
    return { resolved, pulled: await pullArtifact({ spec, settings, registry, resolved }, signal) };
  } finally {
    timeout.stop();
  }
}

function readAddress(url: string): ImageName {
  try {
    return parseRepositoryUrl(url);
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

/** Whether somebody else has to do something: the registry, or whoever pushes to it. */
function isOfRegistry(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof RegistryError) return true;
  }
  return false;
}

/** Whoever reads `file` sees what was there before, or all of the artifact. */
async function writeWhole(file: string, artifact: ProducedArtifact, signal: AbortSignal): Promise<void> {
  const part = `${file}.part`;
  const body = artifact.body();
  try {
    await pipeline(Buffer.isBuffer(body) ? [body] : body, createWriteStream(part), { signal });
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw new CommandError(`cannot write ${file}: ${fileProblem(error) ?? messageOf(error)}`, {
      cause: error,
    });
  }
}
