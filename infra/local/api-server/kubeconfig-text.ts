/** The kubeconfig of the server, for kubectl. */
import { stringify } from 'yaml';

const NAME = 'longshore';

/** @param ca PEM */
export function kubeconfigText(url: string, ca: string, token: string): string {
  const authority = Buffer.from(ca).toString('base64');
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: NAME, cluster: { server: url, 'certificate-authority-data': authority } }],
    users: [{ name: NAME, user: { token } }],
    contexts: [{ name: NAME, context: { cluster: NAME, user: NAME } }],
    'current-context': NAME,
  });
}
