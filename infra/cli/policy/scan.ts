/** The tags of a repository, as the function for ImageRepository scans them. */
import { compileExclusions, excludeTags } from '../../../functions/image-repository/exclusion.ts';
import { DEFAULT_EXCLUSION_LIST } from '../../../shared/api/image-repository.ts';
import type { RegistryAccess } from '../../../shared/oci/access.ts';
import { ANONYMOUS, type CredentialSource } from '../../../shared/oci/credential.ts';
import type { ImageName } from '../../../shared/oci/image-name.ts';
import { processProxies } from '../../../shared/oci/proxy.ts';
import { openRegistry } from '../../../shared/oci/registry.ts';
import { systemTls } from '../../../shared/oci/tls-material.ts';
import { systemClock } from '../../../shared/runtime/clock.ts';
import { readSettings } from '../../../shared/runtime/settings.ts';

/** As long as a person waits. */
const TIMEOUT_MS = 60_000;

export interface ScanRequest {
  image: ImageName;
  insecure: boolean;
  /** Undefined: anonymous. */
  login: { username: string; password: string } | undefined;
}

/** @throws RegistryError, AccessError, or the reason of the signal */
export async function scanTags(request: ScanRequest, signal: AbortSignal): Promise<string[]> {
  // Whoever types an address means it, also one of this machine.
  const settings = readSettings('up', [], {}, { 'allow-loopback-addresses': 'true' });
  const deadline = systemClock.now() + TIMEOUT_MS;
  const registry = openRegistry(request.image, accessOf(request), { clock: systemClock, settings, deadline });
  const limited = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const { tags } = await registry.listTags(limited);
  return excludeTags(tags, await compileExclusions(DEFAULT_EXCLUSION_LIST), limited);
}

function accessOf({ insecure, login }: ScanRequest): RegistryAccess {
  const credentials: CredentialSource = login
    ? { fingerprint: 'command line', get: async () => login, forget: () => false }
    : ANONYMOUS;
  return {
    credentials,
    insecure,
    tls: systemTls(),
    skipVerify: false,
    proxyFor: processProxies(),
    fingerprint: credentials.fingerprint,
    warnings: [],
  };
}
