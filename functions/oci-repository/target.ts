/** The object of a run, and what every step needs to know of where it works. */
import { OCI_REPOSITORY, type OciRepository } from '../../shared/api/oci-repository.ts';
import { type ArtifactStore, openArtifactStore } from '../../shared/artifact/artifact-store.ts';
import type { Retention } from '../../shared/artifact/retention.ts';
import { findObject } from '../../shared/kube/find-object.ts';
import type { Resource } from '../../shared/kube/resource.ts';
import type { Run } from '../../shared/runtime/reconciler.ts';
import type { Settings } from '../../shared/runtime/settings.ts';

export interface Target {
  run: Run;
  /** The kind, in the newest version that this cluster serves. */
  resource: Resource;
  /** The stored files of the object. */
  artifacts: ArtifactStore;
  retention: Retention;
}

/** Reads the object of a run: one request. Undefined: it is gone. */
export async function findTarget(
  run: Run,
  settings: Settings,
): Promise<{ target: Target; object: OciRepository } | undefined> {
  const found = await findObject<OciRepository>(run, OCI_REPOSITORY);
  if (!found) return undefined;
  const { namespace, name } = run.request;
  const retention = {
    ttlMs: settings['artifact-retention-ttl'],
    records: settings['artifact-retention-records'],
  };
  const artifacts = openArtifactStore(
    {
      store: run.store,
      cluster: run.cluster,
      baseUrl: settings['artifact-base-url'],
      retention,
      clock: run.clock,
    },
    { namespace, name },
  );
  return { target: { run, resource: found.resource, artifacts, retention }, object: found.object };
}
