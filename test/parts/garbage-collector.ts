/** What removes objects whose owners are gone, where the API server does not do it by itself. */
import { part } from './parts.ts';
import { type RunningProcess, startProcess } from './process.ts';

/**
 * Starts the collector of a real cluster; the embedded control plane has its own. Needs the part `kube-controller-manager`.
 * @param kubeconfig path of a file with the administrator's access; it belongs to a server that no other test uses
 */
export function startGarbageCollector(kubeconfig: string): Promise<RunningProcess> {
  return startProcess(part('kube-controller-manager')!, [
    `--kubeconfig=${kubeconfig}`,
    '--controllers=garbagecollector',
    '--leader-elect=false',
    '--secure-port=0',
    '--v=1',
  ]);
}
