/** Where a run works: the object's kind, its Quay, and what the run has to report at its end. */
import type { QuayImageRepository } from '../../shared/api/quay-image-repository.ts';
import type { OwnerReference, Resource } from '../../shared/kube/resource.ts';
import type { Availability } from '../../shared/quay/availability.ts';
import type { OpenQuay, QuayClient } from '../../shared/quay/client.ts';
import { openForRun } from '../../shared/quay/run-client.ts';
import type { Measure } from '../../shared/runtime/contract.ts';
import type { Run } from '../../shared/runtime/reconciler.ts';
import type { Settings } from '../../shared/runtime/settings.ts';
import type { Registry } from './names.ts';

/** What the process gives to the reconciler, once. */
export interface Dependencies {
  settings: Settings;
  openQuay: OpenQuay;
  /** Ten lower-case hexadecimal characters from a cryptographic source, others at every call. */
  newSuffix(): string;
}

/** What a run reports beside its result. */
export interface Report {
  /** As this run left it last. */
  object: QuayImageRepository;
  events: number;
  measures: Measure[];
  quay: Availability;
  /** Since when somebody waits for the repository: milliseconds since 1970. */
  waitingSince: number;
}

/** A run and its object's kind, before it is known which Quay it is about. */
export interface Desk extends Dependencies {
  run: Run;
  resource: Resource;
  report: Report;
}

export interface Site extends Desk, Registry {
  quay: QuayClient;
}

/** Finds out where Quay is and as whom we come. @throws QuayError `configuration`; KubeError */
export async function openSite(desk: Desk): Promise<Site> {
  const { access, quay } = await openForRun(desk.run, desk, desk.report);
  return { ...desk, quay, host: access.registryHost, organization: access.organization };
}

/** The object as owner of what is made for it: four keys, no more (spec 7.1). */
export function ownerOf({ apiVersion, kind, metadata }: QuayImageRepository): OwnerReference {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid };
}
