/** The registry client, pull side (spec 6.7, 6.8). */
import type { Readable } from 'node:stream';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Settings } from '../runtime/settings.ts';
import type { RegistryAccess } from './access.ts';
import type { ImageName } from './image-name.ts';

export interface Manifest {
  /** `sha256:<hex>` of the bytes. */
  digest: string;
  mediaType: string;
  /** As the registry sent it: digests are computed over these bytes. */
  bytes: Buffer;
}

export interface Blob {
  /** Length in bytes, where the registry tells it. */
  size: number | undefined;
  /** Ends with an error when the content does not have the digest that was asked for; destroy it when not read to its end. */
  stream: Readable;
}

/** One repository, for one run. Every method throws `RegistryError`. */
export interface Registry {
  /** All tags in the order of the registry, duplicates included; zero tags are a success (IR-REPO-12). */
  listTags(signal: AbortSignal): Promise<{ tags: string[]; pages: number }>;
  /** Digest that a tag (or digest) stands for: of the index, never of one platform (IR-DIG-1). */
  digestOf(reference: string, signal: AbortSignal): Promise<string>;
  manifest(reference: string, signal: AbortSignal): Promise<Manifest>;
  blob(digest: string, signal: AbortSignal): Promise<Blob>;
}

export interface RegistryOptions {
  clock: Clock;
  settings: Pick<Settings, 'max-tags' | 'allow-private-addresses' | 'allow-loopback-addresses'>;
  log?: Logger;
  /** Time in milliseconds since 1970 after which waiting for the registry makes no sense (IR-REG-6). */
  deadline?: number;
}

/** The registry of `image`, reached as `access` says. Nothing is sent yet. */
export function openRegistry(
  _image: ImageName,
  _access: RegistryAccess,
  _options: RegistryOptions,
): Registry {
  throw new Error('being written');
}
