/** Kinds of others: served from their CRDs, on the embedded control plane as on a real API server. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { COMPONENT } from '../../shared/api/component.ts';
import { REMOTE_SECRETS } from '../../shared/kube/remote-secret.ts';
import type { KubeObject, Resource } from '../../shared/kube/resource.ts';
import { type ApiServerInUse, useApiServer } from '../parts/api-server.ts';
import { embeddedWith } from '../parts/api-servers.ts';
import { startKubeApiServer } from '../parts/kube-api-server.ts';
import { needs } from '../parts/parts.ts';
import { REMOTE_SECRET_CRDS } from './remote-secrets.ts';

const { group, kind, plural, versions } = COMPONENT;
const COMPONENTS: Resource = { group, kind, plural, version: versions[0], namespaced: true };

function define(api: ApiServerInUse): void {
  test('what is in spec and status is kept, whatever it is; the status has a path of its own', async () => {
    const namespace = await api.createNamespace();
    for (const resource of [COMPONENTS, REMOTE_SECRETS]) {
      const body = {
        apiVersion: `${resource.group}/${resource.version}`,
        kind: resource.kind,
        metadata: { name: 'one' },
        spec: { componentName: 'one', deep: [{ a: { b: 1 } }] },
        status: { ignored: true },
      };
      const made = await api.kube.create<KubeObject>(resource, { namespace }, body);
      assert.deepEqual([made.spec, made.status, made.metadata.generation], [body.spec, undefined, 1]);
      const status = { conditions: [{ type: 'any' }] };
      const ref = { namespace, name: 'one' };
      const after = await api.kube.patch<KubeObject>(resource, { ...ref, subresource: 'status' }, { status });
      assert.deepEqual([after.status, after.metadata.generation], [status, 1]);
      const edited = await api.kube.patch<KubeObject>(resource, ref, { spec: { containerImage: 'x' } });
      assert.deepEqual(edited.spec, { ...body.spec, containerImage: 'x' });
      assert.equal(edited.metadata.generation, 2);
    }
  });
}

describe('embedded control plane', () => define(useApiServer(embeddedWith(REMOTE_SECRET_CRDS))));
describe('kube-apiserver', needs('kube-apiserver', 'etcd'), () =>
  define(useApiServer(() => startKubeApiServer(REMOTE_SECRET_CRDS))),
);
