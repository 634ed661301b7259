/** Secrets of every kind, with a value that nobody else has: it must stay where it was planted. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { startRegistry } from '../../infra/local/registry/registry.ts';
import type { ImageRepositorySpec } from '../../shared/api/image-repository.ts';
import { EVENTS } from '../../shared/kube/resource.ts';
import { runKubectl } from '../api/kubectl.ts';
import { onEveryApiServer } from '../parts/api-servers.ts';
import { createAuthority } from '../parts/certificates.ts';
import { part } from '../parts/parts.ts';
import { startConnectProxy } from '../parts/tunnels.ts';
import { openStage } from './stage.ts';

const CANARY = 'canary-7c1e9b';

/** Says in its error what the client sent, as some registries do when somebody debugs them. */
async function startEcho(t: TestContext): Promise<string> {
  const server = createServer((request, response) => {
    const sent = request.headers.authorization ?? '';
    if (!sent) response.writeHead(401, { 'www-authenticate': 'Basic realm="echo"' }).end();
    else {
      const plain = Buffer.from(sent.replace(/^\S+ /, ''), 'base64').toString();
      const message = `refused: Authorization: ${sent} (${sent.split(' ')[1]}), that is ${plain} or ${plain.split(':')[1]}`;
      response
        .writeHead(403, { 'content-type': 'application/json' })
        .end(JSON.stringify({ errors: [{ code: 'DENIED', message }] }));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

onEveryApiServer((api) => {
  test('a planted canary is in no log line, event, status, metric, tag record, or text of kubectl', async (t) => {
    const authority = await createAuthority();
    const registry = await startRegistry({
      port: 0,
      auth: {
        scheme: 'bearer',
        users: { ann: CANARY },
        identityTokens: { [`${CANARY}-identity`]: 'ann' },
      },
      tls: { ...(await authority.server()), clientCa: authority.ca },
    });
    const proxy = await startConnectProxy(`joe:${CANARY}-proxy`);
    t.after(() => Promise.all([registry.close(), proxy.close()]));
    await registry.push('team/app', ['1.0', '2.0']);
    const echo = await startEcho(t);
    const client = await authority.client();
    const stage = await openStage(t, api);
    const product = await stage.serve();

    const pull = (name: string, host: string, entry: Record<string, string>) => {
      const config = JSON.stringify({ auths: { [host]: entry } });
      return stage.secret(name, { '.dockerconfigjson': config }, 'kubernetes.io/dockerconfigjson');
    };
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    await pull('pair', registry.host, { username: 'ann', password: CANARY });
    await pull('auth', registry.host, { auth: base64(`ann:${CANARY}`) });
    await pull('identity', registry.host, { identitytoken: `${CANARY}-identity` });
    await pull('wrong', registry.host, { username: 'ann', password: `${CANARY}-wrong` });
    await pull('wrong-identity', registry.host, { identitytoken: `${CANARY}-stale` });
    await pull('no-pair', registry.host, { auth: base64(CANARY) });
    await pull('echo', echo, { username: 'ann', password: CANARY });
    await stage.secret('opaque', { password: CANARY });
    await stage.secret('tls', { 'ca.crt': authority.ca, 'tls.crt': client.cert, 'tls.key': client.key });
    const keyText = `-----BEGIN PRIVATE KEY-----\n${CANARY}\n-----END PRIVATE KEY-----\n`;
    await stage.secret('bad-key', { 'tls.crt': client.cert, 'tls.key': keyText });
    await stage.secret('proxy', { address: proxy.url, username: 'joe', password: `${CANARY}-proxy` });
    await stage.secret('bad-proxy', { address: proxy.url, username: 'joe', password: `${CANARY}-none` });
    await stage.secret('odd-proxy', { address: `gopher://joe:${CANARY}@127.0.0.1` });

    const as = (name: string, more: Partial<ImageRepositorySpec> = {}): Partial<ImageRepositorySpec> => ({
      image: `${registry.host}/team/app`,
      certSecretRef: { name: 'tls' },
      secretRef: { name },
      timeout: '5s',
      ...more,
    });
    const good: Record<string, Partial<ImageRepositorySpec>> = {
      pair: as('pair'),
      auth: as('auth'),
      identity: as('identity'),
      proxied: as('pair', { proxySecretRef: { name: 'proxy' } }),
    };
    const bad: Record<string, Partial<ImageRepositorySpec>> = {
      wrong: as('wrong'),
      'wrong-identity': as('wrong-identity'),
      'no-pair': as('no-pair'),
      opaque: as('opaque'),
      'bad-key': as('pair', { certSecretRef: { name: 'bad-key' } }),
      'bad-proxy': as('pair', { proxySecretRef: { name: 'bad-proxy' }, timeout: '1s' }),
      'odd-proxy': as('pair', { proxySecretRef: { name: 'odd-proxy' } }),
      echo: as('echo', { image: `${echo}/team/app`, certSecretRef: undefined }),
    };
    for (const [name, spec] of Object.entries({ ...good, ...bad })) await stage.create(name, spec);
    for (const name of Object.keys(good)) await stage.ready(name);
    for (const name of Object.keys(bad)) await stage.failed(name);
    const echoed = (await stage.failed('echo')).message;
    assert.match(echoed, /403 Forbidden: DENIED: refused: .*\*\*\*/);
    await product.stop();

    const texts: Record<string, string> = {
      log: product.log.join(''),
      metrics: await product.metrics(),
      events: JSON.stringify(await api.kube.list(EVENTS, { namespace: stage.namespace })),
      statuses: JSON.stringify(
        await Promise.all(
          Object.keys({ ...good, ...bad }).map(async (name) => (await stage.read(name)).status),
        ),
      ),
      records: (await stage.contents()).join('\n'),
      ...(part('kubectl') && { kubectl: await describeAll(t, api.kubeconfig, stage.namespace) }),
    };
    const leafKey = client.key.split('\n')[1]!;
    const hidden = [CANARY, leafKey, base64(CANARY), base64(`ann:${CANARY}`), base64(`joe:${CANARY}-proxy`)];
    for (const [where, text] of Object.entries(texts)) {
      assert.ok(text.length > 100, `${where} has something to say`);
      for (const secret of hidden.map((each) => each.replace(/=+$/, ''))) {
        const at = text.indexOf(secret);
        assert.equal(at, -1, `${where}: …${text.slice(at - 200, at + 50)}`);
      }
    }
  });
});

/** What people paste into tickets. */
async function describeAll(t: TestContext, kubeconfig: string, namespace: string): Promise<string> {
  const cache = await mkdtemp(path.join(tmpdir(), 'longshore-kubectl-'));
  t.after(() => rm(cache, { recursive: true }));
  const args = [`--namespace=${namespace}`, 'describe', 'imagerepositories.image.toolkit.fluxcd.io'];
  const { code, output } = await runKubectl(args, { kubeconfig, cache });
  assert.equal(code, 0, output);
  return output;
}
