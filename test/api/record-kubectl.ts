/**
 * Records what kubectl asks: runs the commands below against the embedded control plane, through a proxy that writes
 * down every request. `node test/api/record-kubectl.ts` (with `LONGSHORE_TOOLS`) makes the fixture anew, for a new
 * release of kubectl; `infra/local/api-server/transcript.test.ts` plays it without kubectl.
 */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request as send } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startApiServer } from '../../infra/local/api-server/api-server.ts';
import { loadServerIdentity } from '../../infra/local/api-server/tls.ts';
import type { RecordedCommand, RecordedRequest } from '../../infra/local/api-server/transcript.ts';
import { runKubectl } from './kubectl.ts';

const FIXTURE = path.resolve(import.meta.dirname, '../../infra/local/api-server/fixtures/kubectl-1.36.json');

const MANIFEST = `apiVersion: image.toolkit.fluxcd.io/v1beta1
kind: ImageRepository
metadata: {name: app}
spec: {image: ghcr.io/stefanprodan/podinfo, interval: 5m}
`;
const CHANGED = MANIFEST.replace('5m', '6m');

const COMMANDS: [command: string, input?: string, editor?: string][] = [
  ['version'],
  ['api-resources'],
  ['api-versions'],
  ['cluster-info'],
  ['create namespace apps'],
  ['get namespaces'],
  ['apply -f -', MANIFEST],
  ['apply -f -', CHANGED],
  ['apply --dry-run=server -f -', MANIFEST],
  ['apply --server-side --force-conflicts -f -', CHANGED],
  ['get imgrepo'],
  ['get imgrepo app -o wide'],
  ['get imgrepo app -o yaml'],
  ['get imgrepo -o name'],
  ['get imgrepo --watch --request-timeout=1s'],
  ['get all'],
  ['get events'],
  ['describe imgrepo app'],
  ['annotate imgrepo app reconcile.fluxcd.io/requestedAt=1'],
  ['label imgrepo app team=a'],
  ['patch imgrepo app --type=merge -p {"spec":{"suspend":true}}'],
  ['patch imgrepo app --type=json -p [{"op":"remove","path":"/spec/suspend"}]'],
  ['patch imgrepo app -p {"spec":{"suspend":true}}'],
  ['edit imgrepo app', undefined, 'sed -i s/6m/7m/'],
  ['wait --for=jsonpath={.spec.interval}=7m imgrepo/app --timeout=5s'],
  ['explain imgrepo.spec.image'],
  ['auth can-i create imgrepo'],
  ['auth whoami'],
  ['create secret generic plain --from-literal=a=b'],
  ['create secret docker-registry regcred --docker-username=u --docker-password=p'],
  ['get secret regcred -o json'],
  ['create configmap conf --from-literal=a=b'],
  ['describe configmap conf'],
  ['create serviceaccount robot'],
  ['patch sa robot -p {"imagePullSecrets":[{"name":"regcred"}]}'],
  ['create token robot'],
  ['delete imgrepo app'],
  ['delete secret plain --wait=false'],
  ['delete namespace apps'],
];

const folder = await mkdtemp(path.join(tmpdir(), 'longshore-record-'));
const server = await startApiServer({ port: 0, dataFolder: folder });
const identity = await loadServerIdentity(folder, Date.now());
let requests: RecordedRequest[] = [];

const proxy = createServer({ cert: identity.cert, key: identity.key }, (incoming, outgoing) => {
  void forward(incoming, outgoing);
});
proxy.listen(0, '127.0.0.1');
await once(proxy, 'listening');

async function forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const { method = 'GET', url = '/', headers } = incoming;
  const answer = send(`${server.url}${url}`, { method, headers, ca: identity.ca }, (response) => {
    const isText = body.equals(Buffer.from(body.toString()));
    requests.push({
      method,
      url,
      ...(headers.accept && { accept: headers.accept }),
      ...(headers['content-type'] && { contentType: headers['content-type'] }),
      ...(body.length > 0 && (isText ? { body: body.toString() } : { base64: body.toString('base64') })),
      status: response.statusCode ?? 0,
    });
    outgoing.writeHead(response.statusCode ?? 500, response.headers);
    outgoing.flushHeaders();
    response.pipe(outgoing);
  });
  answer.on('error', () => outgoing.destroy());
  outgoing.on('close', () => answer.destroy());
  answer.end(body);
}

const kubeconfig = path.join(folder, 'kubeconfig');
const { port } = proxy.address() as AddressInfo;
await writeFile(kubeconfig, server.kubeconfig.replace(server.url, `https://127.0.0.1:${port}`));

const recorded: RecordedCommand[] = [];
for (const [command, input, editor] of COMMANDS) {
  requests = [];
  const args = ['--namespace=apps', ...command.split(' ')];
  const options = { kubeconfig, cache: folder, ...(input && { input }), ...(editor && { editor }) };
  const { code, output } = await runKubectl(args, options);
  process.stdout.write(`${code} kubectl ${command}: ${requests.length} requests; ${output.split('\n')[0]}\n`);
  recorded.push({ command, requests });
}
await writeFile(FIXTURE, `${JSON.stringify(recorded, undefined, 1)}\n`);
proxy.closeAllConnections();
proxy.close();
await server.close();
await rm(folder, { recursive: true });
