/** The registry of a command: the client of the functions, with what a command line says instead of an object. */
import type { RegistryAccess } from '../../shared/oci/access.ts';
import { ANONYMOUS, type CredentialSource } from '../../shared/oci/credential.ts';
import type { ImageName } from '../../shared/oci/image-name.ts';
import { processProxies } from '../../shared/oci/proxy.ts';
import { openRegistry, type Registry } from '../../shared/oci/registry.ts';
import { systemTls } from '../../shared/oci/tls-material.ts';
import { systemClock } from '../../shared/runtime/clock.ts';
import { readSettings, type Settings } from '../../shared/runtime/settings.ts';
import type { Login } from './login.ts';

export interface RegistryFlags {
  image: ImageName;
  insecure: boolean;
  /** Whether `insecure` accepts any certificate too: kinds differ. */
  skipVerify?: boolean;
  /** Undefined: anonymous. */
  login: Login | undefined;
}

/** Those of the functions; but whoever types an address means it, also one of this machine. */
export function commandSettings(): Settings {
  return readSettings('up', [], {}, { 'allow-loopback-addresses': 'true' });
}

/** @param timeoutMs after which nothing is waited for any more */
export function openCommandRegistry(flags: RegistryFlags, settings: Settings, timeoutMs: number): Registry {
  const deadline = systemClock.now() + timeoutMs;
  return openRegistry(flags.image, accessOf(flags), { clock: systemClock, settings, deadline });
}

function accessOf({ insecure, skipVerify = false, login }: RegistryFlags): RegistryAccess {
  const credentials: CredentialSource = login
    ? { fingerprint: 'command line', get: async () => login, forget: () => false }
    : ANONYMOUS;
  return {
    credentials,
    insecure,
    tls: systemTls(),
    skipVerify,
    proxyFor: processProxies(),
    fingerprint: credentials.fingerprint,
    warnings: [],
  };
}
