/**
 * The door of an EKS cluster: it takes bearer tokens that are presigned calls of STS, and lets their signer in with the
 * groups of an access entry. Behind it any API server, which sees a user and groups, and decides by RBAC.
 */
import { createServer, type RequestOptions, request as send } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type AwsIdentity, signEksToken } from '../../shared/kube/eks-access.ts';
import type { ClusterEndpoint } from '../../shared/kube/transport.ts';
import { createAuthority } from '../parts/certificates.ts';

export interface EksDoor {
  server: string;
  /** PEM of the authority of its certificate. */
  ca: string;
  /** Requests that were let in, and those that were not. */
  readonly admitted: number;
  readonly refused: number;
  /** Takes the access entry away, or puts it back. */
  setEntry(isThere: boolean): void;
  close(): void;
}

/** EKS takes a token for so long. */
const TOKEN_MS = 15 * 60_000;

/**
 * @param entry the access entry: who signs, the cluster, and the groups that the signer has in it
 * @param behind the administrator's access, whose certificate may impersonate
 */
export async function openEksDoor(
  entry: { identity: AwsIdentity; cluster: string; groups: string[] },
  behind: ClusterEndpoint,
): Promise<EksDoor> {
  const authority = await createAuthority();
  const { cert, key } = await authority.server();
  const counts = { admitted: 0, refused: 0 };
  let hasEntry = true;
  const server = createServer({ cert, key }, async (request, response) => {
    const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
    if (!hasEntry || !(await isSigned(token, entry))) {
      counts.refused += 1;
      const status = { kind: 'Status', code: 401, reason: 'Unauthorized', message: 'Unauthorized' };
      return void response.writeHead(401).end(JSON.stringify(status));
    }
    counts.admitted += 1;
    const { authorization: _, ...headers } = request.headers;
    const options: RequestOptions = {
      method: request.method,
      headers: {
        ...headers,
        host: new URL(behind.server).host,
        'impersonate-user': 'arn:aws:sts::111122223333:assumed-role/function/session',
        'impersonate-group': entry.groups,
      },
      ca: behind.ca,
      cert: behind.cert,
      key: behind.key,
    };
    const passed = send(new URL(request.url!, behind.server), options, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    request.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: authority.ca,
    get admitted() {
      return counts.admitted;
    },
    get refused() {
      return counts.refused;
    },
    setEntry(isThere) {
      hasEntry = isThere;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** STS would compute the signature anew from the address and the header that EKS adds. So do we. */
async function isSigned(
  token: string,
  { identity, cluster }: { identity: AwsIdentity; cluster: string },
): Promise<boolean> {
  const text = Buffer.from(token.replace('k8s-aws-v1.', ''), 'base64url').toString();
  if (!URL.canParse(text)) return false;
  const stamp = new URL(text).searchParams.get('X-Amz-Date') ?? '';
  const at = new Date(stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (Number.isNaN(at.getTime()) || Math.abs(Date.now() - at.getTime()) > TOKEN_MS) return false;
  return token === (await signEksToken(cluster, identity, at));
}
