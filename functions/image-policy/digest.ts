/** The digest of a new reference: none, the one that is known, or the one that the registry tells now (IR-REF-1). */
import { digestPolicyOf, type ImagePolicy, type ImageReference } from '../../shared/api/image-policy.ts';
import { type ImageRepository, providerOf, timeoutOf } from '../../shared/api/image-repository.ts';
import type { CacheUse } from '../../shared/oci/cloud-tokens.ts';
import type { ImageName } from '../../shared/oci/image-name.ts';
import { openRegistry } from '../../shared/oci/registry.ts';
import { prepareAccess } from '../../shared/oci/run-access.ts';
import { inStep } from '../../shared/runtime/failure.ts';
import type { Run } from '../../shared/runtime/reconciler.ts';
import type { Settings } from '../../shared/runtime/settings.ts';
import { startTimeout } from '../../shared/runtime/timeout.ts';
import { digestStep } from './failures.ts';
import { isSameTag } from './reference.ts';
import { isStartCheck } from './start-check.ts';

/** What a look at the registry needs: everything of it belongs to the repository, not to the policy (IR-REF-5). */
export interface DigestSource {
  run: Run;
  settings: Settings;
  repository: ImageRepository;
  image: ImageName;
  warn(message: string): void;
  cacheUse: CacheUse;
}

/**
 * The digest of a tag that was chosen.
 * @param known the reference that the status has; undefined: none
 * @throws RetryError `Failed` when the registry, or the way to it, does not tell
 */
export async function digestFor(
  source: DigestSource,
  policy: ImagePolicy,
  chosen: ImageReference,
  known: ImageReference | undefined,
): Promise<string | undefined> {
  const reflection = digestPolicyOf(policy.spec);
  if (reflection === 'Never') return undefined;
  const kept = isSameTag(known, chosen) ? known?.digest : undefined;
  // A check at the start asks no registry for an answer that stands.
  const suffices = reflection === 'IfNotPresent' || isStartCheck(source.run, policy);
  return kept && suffices ? kept : await lookUp(source, chosen);
}

async function lookUp(source: DigestSource, { name, tag }: ImageReference): Promise<string> {
  const { run, settings, repository, image, warn, cacheUse } = source;
  const timeout = startTimeout(timeoutOf(repository.spec), run);
  const { signal, deadline } = timeout;
  try {
    return await inStep(digestStep(name, tag), signal, async () => {
      const spec = { ...repository.spec, provider: providerOf(repository.spec) };
      const namespace = repository.metadata.namespace!;
      const access = await prepareAccess({ run, namespace, image, spec, settings, warn, cacheUse }, signal);
      const options = { clock: run.clock, settings, log: run.log, deadline };
      return await openRegistry(image, access, options).digestOf(tag, signal);
    });
  } finally {
    timeout.stop();
  }
}
