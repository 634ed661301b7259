/** Where a run works, and the names of what belongs to a Component (spec 13.3). */
import type { Component } from '../../shared/api/component.ts';
import type { OwnerReference, Resource } from '../../shared/kube/resource.ts';
import type { Availability } from '../../shared/quay/availability.ts';
import type { OpenQuay, QuayClient } from '../../shared/quay/client.ts';
import { isRepositoryName } from '../../shared/quay/names.ts';
import { openForRun } from '../../shared/quay/run-client.ts';
import type { Run } from '../../shared/runtime/reconciler.ts';
import type { Settings } from '../../shared/runtime/settings.ts';

/** What the process gives to the reconciler, once. */
export interface Dependencies {
  settings: Settings;
  openQuay: OpenQuay;
}

/** A run, before it is known which Quay it is about. */
export interface Desk extends Dependencies {
  run: Run;
  resource: Resource;
  report: { events: number; quay: Availability };
}

export interface Place extends Desk {
  quay: QuayClient;
  /** `host/organization/`: what every image URL begins with. */
  root: string;
}

export interface Names {
  /** Of the repository, inside the organization. */
  repository: string;
  robots: { push: string; pull: string };
  secrets: { push: string; pull: string };
}

/** Reads where Quay is and as whom we come. @throws QuayError `configuration`; KubeError */
export async function openPlace(desk: Desk): Promise<Place> {
  const { access, quay } = await openForRun(desk.run, desk, desk.report);
  return { ...desk, quay, root: `${access.registryHost}/${access.organization}/` };
}

/**
 * The names are the ones of the original, without a random part: so a Component that comes back finds its own. Those of
 * robots are no proof: Components of other namespaces can come to the same.
 */
export function namesOf({ metadata, spec }: Component): Names {
  const { name, namespace = '' } = metadata;
  const application = spec?.application ?? '';
  const push = `${namespace}${application}${name}`;
  return {
    repository: application ? `${namespace}/${application}/${name}` : `${namespace}/${name}`,
    robots: { push, pull: `${push}-pull` },
    secrets: { push: name, pull: `${name}-pull` },
  };
}

/**
 * The repository that an image URL names; undefined: none of this namespace. The annotation that holds it can be edited
 * by tenants: it must not reach into the repositories of others.
 */
export function repositoryOf(url: string, root: string, namespace: string): string | undefined {
  const own = `${root}${namespace}/`;
  if (!url.startsWith(own)) return undefined;
  const name = url.slice(root.length);
  return isRepositoryName(name) && name.length > namespace.length + 1 ? name : undefined;
}

/** The Component as owner of what is made for it: four keys, no more. */
export function ownerOf({ apiVersion, kind, metadata }: Component): OwnerReference {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid };
}
