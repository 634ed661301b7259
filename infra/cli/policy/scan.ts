/** The tags of a repository, as the function for ImageRepository scans them. */
import { compileExclusions, excludeTags } from '../../../functions/image-repository/exclusion.ts';
import { DEFAULT_EXCLUSION_LIST } from '../../../shared/api/image-repository.ts';
import { commandSettings, openCommandRegistry, type RegistryFlags } from '../registry.ts';

/** As long as a person waits. */
const TIMEOUT_MS = 60_000;

/** @throws RegistryError, AccessError, or the reason of the signal */
export async function scanTags(flags: RegistryFlags, signal: AbortSignal): Promise<string[]> {
  const registry = openCommandRegistry(flags, commandSettings(), TIMEOUT_MS);
  const limited = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const { tags } = await registry.listTags(limited);
  return excludeTags(tags, await compileExclusions(DEFAULT_EXCLUSION_LIST), limited);
}
