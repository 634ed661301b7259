/** How an object reaches its registry (section 10): where this kind differs from others, and what a failure shows. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { fluxArtifact } from '../../infra/local/registry/artifact.ts';
import {
  type LocalRegistry,
  type RegistryOptions,
  startRegistry,
} from '../../infra/local/registry/registry.ts';
import type { OciRepositorySpec } from '../../shared/api/oci-repository.ts';
import { SECRETS } from '../../shared/kube/resource.ts';
import { startProxy } from '../image-repository/proxy.ts';
import { type Authority, createAuthority } from '../parts/certificates.ts';
import { createFakeCluster } from '../workbench/fake-cluster.ts';
import { useSuite } from './suite.ts';

const DOCKER_CONFIG = 'kubernetes.io/dockerconfigjson';
const ACCOUNTS = {
  group: '',
  version: 'v1',
  plural: 'serviceaccounts',
  kind: 'ServiceAccount',
  namespaced: true,
};

/** A registry for the suite around the call, with one artifact. */
function useRegistry(options: () => Promise<Omit<RegistryOptions, 'port'>>): { readonly host: string } {
  let registry: LocalRegistry;
  before(async () => {
    registry = await startRegistry({ port: 0, ...(await options()) });
    await registry.push('team/app', ['latest', '1.0.0'], fluxArtifact({ a: 'b' }));
  });
  after(() => registry?.close());
  return {
    get host() {
      return registry.host;
    },
  };
}

describe('access to the registry', () => {
  const suite = useSuite({ kube: createFakeCluster() }, { speed: 20 });
  let authority: Authority;
  let stranger: Authority;
  before(async () => {
    [authority, stranger] = await Promise.all([createAuthority(), createAuthority()]);
  });

  /** What a first run makes of a spec: reason and message of `Ready`. */
  const ready = async (host: string, spec: Partial<OciRepositorySpec>) => {
    await suite.create({ url: `oci://${host}/team/app`, ...spec });
    return await again();
  };
  const again = async () => {
    await suite.bench.run('web');
    const { status } = await suite.read();
    const { reason, message } = status!.conditions!.find(({ type }) => type === 'Ready')!;
    return { reason, message };
  };

  describe('with a password', () => {
    const registry = useRegistry(async () => ({
      auth: { scheme: 'bearer', users: { ann: 'canary-password' } },
    }));
    const config = (password: string, host = registry.host) => ({
      '.dockerconfigjson': JSON.stringify({ auths: { [host]: { username: 'ann', password } } }),
    });
    const secretRef = { name: 's' };
    const replace = async (data: Record<string, string>) => {
      await suite.bench.kube.delete(SECRETS, { namespace: suite.bench.namespace, name: 's' });
      await suite.bench.secret('s', data, DOCKER_CONFIG);
    };

    it('is let in, and the password is seen nowhere', async () => {
      await suite.bench.secret('s', config('canary-password'), DOCKER_CONFIG);
      assert.equal((await ready(registry.host, { secretRef })).reason, 'Succeeded');
      const seen = JSON.stringify([await suite.read(), await suite.events(), suite.bench.log]);
      assert.ok(!seen.includes('canary'));
    });

    it('is let in by the pull secret of a service account', async () => {
      await suite.bench.secret('s', config('canary-password'), DOCKER_CONFIG);
      await suite.bench.kube.create(
        ACCOUNTS,
        { namespace: suite.bench.namespace },
        {
          apiVersion: 'v1',
          kind: 'ServiceAccount',
          metadata: { name: 'puller' },
          imagePullSecrets: [{ name: 's' }],
        },
      );
      assert.equal((await ready(registry.host, { serviceAccountName: 'puller' })).reason, 'Succeeded');
    });

    it('a Secret wins over the provider, whatever the host is', async () => {
      await suite.bench.secret('s', config('canary-password'), DOCKER_CONFIG);
      assert.equal((await ready(registry.host, { secretRef, provider: 'aws' })).reason, 'Succeeded');
    });

    for (const [name, ref, reason] of [
      ['a tag', undefined, 'OCIArtifactPullFailed'],
      ['a range', { semver: '1.x' }, 'ReadOperationFailed'],
    ] as const) {
      it(`a wrong one fails where the registry is asked first: ${name}`, async () => {
        await suite.bench.secret('s', config('wrong'), DOCKER_CONFIG);
        const failed = await ready(registry.host, { secretRef, ref });
        assert.equal(failed.reason, reason);
        assert.match(failed.message, /401/);
      });
    }

    it('one for another host is nobody’s', async () => {
      await suite.bench.secret('s', config('canary-password', 'registry.example'), DOCKER_CONFIG);
      const failed = await ready(registry.host, { secretRef });
      assert.equal(failed.reason, 'OCIArtifactPullFailed');
      assert.match(failed.message, /401/);
    });

    it('a Secret of another type is told, and is nobody’s', async () => {
      await suite.bench.secret('s', config('canary-password'), 'Opaque');
      assert.equal((await ready(registry.host, { secretRef })).reason, 'OCIArtifactPullFailed');
      const told = (await suite.events()).find((text) => text.includes('SecretIgnored'));
      assert.match(told ?? '', /of type 'Opaque' is ignored: it is no image pull secret$/);
    });

    it('one that is changed, or deleted, counts from the next run on; the artifact stays', async () => {
      await suite.bench.secret('s', config('wrong'), DOCKER_CONFIG);
      assert.equal((await ready(registry.host, { secretRef })).reason, 'OCIArtifactPullFailed');
      await replace(config('canary-password'));
      assert.equal((await again()).reason, 'Succeeded');
      const { artifact } = (await suite.read()).status!;
      await suite.bench.kube.delete(SECRETS, { namespace: suite.bench.namespace, name: 's' });
      assert.deepEqual(await again(), {
        reason: 'AuthenticationFailed',
        message: `failed to get credential: secret '${suite.bench.namespace}/s' not found`,
      });
      assert.deepEqual((await suite.read()).status!.artifact, artifact);
      await suite.bench.secret('s', config('canary-password'), DOCKER_CONFIG);
      assert.equal((await again()).reason, 'Succeeded');
    });
  });

  describe('with TLS', () => {
    const registry = useRegistry(async () => ({ tls: await authority.server() }));
    const rows: [string, { insecure: boolean; ca?: () => string }, boolean][] = [
      ['nobody vouches for it', { insecure: false }, false],
      ['insecure: nobody has to (10.5)', { insecure: true }, true],
      ['its authority vouches', { insecure: false, ca: () => authority.ca }, true],
      ['insecure, its authority vouches', { insecure: true, ca: () => authority.ca }, true],
      ['insecure, and another authority: it is checked', { insecure: true, ca: () => stranger.ca }, false],
    ];
    for (const [name, { insecure, ca }, passes] of rows) {
      it(name, async () => {
        if (ca) await suite.bench.secret('tls', { 'ca.crt': ca() });
        const { reason, message } = await ready(registry.host, {
          insecure,
          ...(ca && { certSecretRef: { name: 'tls' } }),
        });
        assert.equal(reason, passes ? 'Succeeded' : 'OCIArtifactPullFailed', message);
        if (!passes) assert.match(message, /certificate/);
      });
    }

    it('what insecure lets pass for one object, it lets pass for no other', async () => {
      assert.equal((await ready(registry.host, { insecure: true })).reason, 'Succeeded');
      await suite.bench.edit('web', { spec: { insecure: false } });
      assert.equal((await again()).reason, 'OCIArtifactPullFailed');
    });
  });

  describe('with certificates of both sides', () => {
    const registry = useRegistry(async () => ({
      tls: { ...(await authority.server()), clientCa: authority.ca },
    }));
    for (const [ca, cert, key] of [
      ['ca.crt', 'tls.crt', 'tls.key'],
      ['caFile', 'certFile', 'keyFile'],
    ] as const) {
      it(`keys ${ca}, ${cert}, ${key}`, async () => {
        const client = await authority.client();
        await suite.bench.secret('tls', { [ca]: authority.ca, [cert]: client.cert, [key]: client.key });
        const certSecretRef = { name: 'tls' };
        assert.equal((await ready(registry.host, { certSecretRef })).reason, 'Succeeded');
      });
    }

    it('without one of its own', async () => {
      await suite.bench.secret('tls', { 'ca.crt': authority.ca });
      const failed = await ready(registry.host, { certSecretRef: { name: 'tls' } });
      assert.equal(failed.reason, 'OCIArtifactPullFailed');
    });
  });

  describe('through a proxy', () => {
    it('everything goes there', async () => {
      const proxy = await startProxy('joe:canary');
      try {
        await suite.bench.secret('proxy', { address: proxy.address, username: 'joe', password: 'canary' });
        const found = await ready(suite.registry.host, { proxySecretRef: { name: 'proxy' } });
        assert.equal(found.reason, 'Succeeded', found.message);
        assert.ok(proxy.targets.length > 0);
        assert.ok(proxy.targets.every((target) => target === suite.registry.host));
        assert.ok(!JSON.stringify([await suite.events(), suite.bench.log]).includes('canary'));
      } finally {
        await proxy.close();
      }
    });
  });
});
