/**
 * Acceptance point 13: after every case of 5.7 the object shows the picture of 3.5 with the reason and the words of
 * the specification, and kstatus reads it right.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ImageRepositorySpec } from '../../shared/api/image-repository.ts';
import type { Condition } from '../../shared/kube/resource.ts';
import { CLUSTERS } from '../workbench/clusters.ts';
import { assertKstatus } from '../workbench/kstatus.ts';
import { LISTING, REQUESTED_AT, useSuite } from './suite.ts';

interface Case {
  name: string;
  spec?: Partial<ImageRepositorySpec>;
  prepare?: () => unknown;
  reason: string;
  message: RegExp;
  result: 'stalled' | 'retry';
  progress?: string;
}

for (const cluster of CLUSTERS) {
  describe(`13. conditions on ${cluster.name}`, cluster.options, () => {
    const suite = useSuite(cluster.use(), { speed: 20 });
    const { image } = suite;
    const conditions = async (): Promise<Condition[]> => (await suite.bench.read('web'))!.status!.conditions!;
    const words = (all: Condition[], type: string) => {
      const found = all.find((each) => each.type === type);
      return found && `${found.status} ${found.reason}: ${found.message}`;
    };
    const listingAnswers = (status: number, code: string) => () =>
      suite.registry.faults.add({
        path: LISTING,
        status,
        body: { errors: [{ code, message: 'said the registry' }] },
      });

    it('success', async () => {
      await suite.bench.create('web', { image: image() });
      const outcome = await suite.bench.run('web');
      const object = (await suite.bench.read('web'))!;
      assertKstatus(object);
      const { revision } = object.status!.lastScanResult!;
      const ready = `True Succeeded: successful scan: found 3 tags with checksum ${revision}`;
      assert.equal(words(object.status!.conditions!, 'Ready'), ready);
      assert.equal(object.status!.canonicalImageName, image());
      assert.deepEqual(object.status!.observedExclusionList, ['^.*\\.sig$']);
      assert.equal(outcome.result === 'ok' && outcome.requeueAfterMs, 600_000);
      assert.equal(outcome.result === 'ok' && outcome.changed, revision);
      assert.equal(outcome.result === 'ok' && outcome.ready?.status, 'True');
      assert.deepEqual(await suite.bench.events('web'), [
        {
          type: 'Normal',
          reason: 'Succeeded',
          message: `successful scan: found 3 tags with checksum ${revision}`,
          count: 1,
        },
      ]);
    });

    const cases: Case[] = [
      {
        name: 'an image with a scheme',
        spec: { image: 'https://ghcr.io/org/app' },
        reason: 'ImageURLInvalid',
        message: /^image 'https:\/\/ghcr\.io\/org\/app' should not include URL scheme; remove 'https:\/\/'$/,
        result: 'stalled',
      },
      {
        name: 'an empty image',
        spec: { image: '' },
        reason: 'ImageURLInvalid',
        message: /^could not parse reference: $/,
        result: 'stalled',
      },
      {
        name: 'the gate of a cloud identity',
        spec: { provider: 'aws', serviceAccountName: 'puller' },
        reason: 'FeatureGateDisabled',
        message: /spec\.serviceAccountName.*ObjectLevelWorkloadIdentity/,
        result: 'stalled',
      },
      {
        name: 'a missing Secret',
        spec: { secretRef: { name: 'regcred' } },
        reason: 'AuthenticationFailed',
        message: /^failed to configure authentication options: secret 'NS\/regcred' not found$/,
        result: 'retry',
        progress: 'processing object: new generation -1 -> 1',
      },
      {
        name: 'a missing service account',
        spec: { serviceAccountName: 'puller' },
        reason: 'AuthenticationFailed',
        message: /^failed to configure authentication options: serviceaccount 'NS\/puller' not found$/,
        result: 'retry',
      },
      {
        name: 'a certificate without its key',
        spec: { certSecretRef: { name: 'tls' } },
        prepare: () => suite.bench.secret('tls', { certFile: 'x' }),
        reason: 'AuthenticationFailed',
        message: /options: secret 'NS\/tls' contains 'certFile' but missing 'tls\.key'$/,
        result: 'retry',
      },
      {
        name: 'a certificate that is none',
        spec: { certSecretRef: { name: 'tls' } },
        prepare: () => suite.bench.secret('tls', { 'ca.crt': 'not PEM' }),
        reason: 'AuthenticationFailed',
        message: /options: secret 'NS\/tls'.*'ca\.crt'/,
        result: 'retry',
      },
      {
        name: 'a proxy without an address',
        spec: { proxySecretRef: { name: 'proxy' } },
        prepare: () => suite.bench.secret('proxy', { username: 'somebody' }),
        reason: 'AuthenticationFailed',
        message: /options: secret 'NS\/proxy'.*'address'/,
        result: 'retry',
      },
      {
        name: 'a pull secret with an entry that is none',
        spec: { secretRef: { name: 'regcred' } },
        prepare: () =>
          suite.bench.secret(
            'regcred',
            { '.dockercfg': '{"registry.example": "no entry"}' },
            'kubernetes.io/dockercfg',
          ),
        reason: 'AuthenticationFailed',
        message: /options: secret 'NS\/regcred'/,
        result: 'retry',
      },
      {
        name: 'a provider that has no identity here',
        spec: { provider: 'gcp' },
        reason: 'AuthenticationFailed',
        message: /^failed to configure authentication options: .*gcp.*identity/i,
        result: 'retry',
      },
      {
        name: 'a tag store that does not answer',
        prepare: () => {
          suite.bench.hooks.store = ({ verb }) => {
            if (verb === 'get') throw new Error('the bucket is gone');
          };
        },
        reason: 'Failure',
        message: /^failed to determine if it's scan time: .*the bucket is gone$/,
        result: 'retry',
      },
      {
        name: 'a tag store that is full',
        prepare: () => {
          suite.bench.hooks.store = ({ verb }) => {
            if (verb === 'put') throw new Error('no space left');
          };
        },
        reason: 'ReadOperationFailed',
        message: /^scan failed: failed to set tags for "127\.0\.0\.1:\d+\/team\/app": .*no space left$/,
        result: 'retry',
        progress: 'scanning: first scan',
      },
      {
        name: '401',
        prepare: listingAnswers(401, 'UNAUTHORIZED'),
        reason: 'ReadOperationFailed',
        message: /^scan failed: .*401/,
        result: 'retry',
      },
      {
        name: '403',
        prepare: listingAnswers(403, 'DENIED'),
        reason: 'ReadOperationFailed',
        message: /^scan failed: GET .*\/tags\/list.*: unexpected status code 403 .*DENIED: said the registry/,
        result: 'retry',
      },
      {
        name: '404',
        prepare: listingAnswers(404, 'NAME_UNKNOWN'),
        reason: 'ReadOperationFailed',
        message: /^scan failed: .*404.*NAME_UNKNOWN/,
        result: 'retry',
      },
      {
        name: '429, again and again',
        prepare: listingAnswers(429, 'TOOMANYREQUESTS'),
        reason: 'ReadOperationFailed',
        message: /^scan failed: .*429/,
        result: 'retry',
      },
      {
        name: '500, again and again',
        prepare: listingAnswers(500, 'UNKNOWN'),
        reason: 'ReadOperationFailed',
        message: /^scan failed: .*500/,
        result: 'retry',
      },
      {
        name: 'no answer',
        spec: { timeout: '2s' },
        prepare: () => suite.registry.faults.add({ path: LISTING, delayMs: Number.POSITIVE_INFINITY }),
        reason: 'ReadOperationFailed',
        message: /^scan failed: deadline of 2s exceeded/,
        result: 'retry',
      },
      {
        name: 'an answer that breaks off',
        prepare: () => suite.registry.faults.add({ path: LISTING, cutAfter: 5 }),
        reason: 'ReadOperationFailed',
        message: /^scan failed: /,
        result: 'retry',
      },
      {
        name: 'an answer that is no JSON',
        prepare: () => suite.registry.faults.add({ path: LISTING, body: '<html>' }),
        reason: 'ReadOperationFailed',
        message: /^scan failed: /,
        result: 'retry',
      },
      {
        name: 'nobody listens',
        spec: { image: '127.0.0.1:1/team/app' },
        reason: 'ReadOperationFailed',
        message: /^scan failed: .*127\.0\.0\.1:1/,
        result: 'retry',
      },
      {
        name: 'a cloud that does not know the host',
        spec: { provider: 'aws', image: 'ghcr.io/org/app' },
        reason: 'ReadOperationFailed',
        message: /^scan failed: invalid AWS registry: 'ghcr\.io'/,
        result: 'retry',
      },
      {
        name: 'a bad exclusion pattern',
        spec: { exclusionList: ['ok', '('] },
        reason: 'ReadOperationFailed',
        message: /^scan failed: failed to compile regex \(: error parsing regexp: missing closing \)/,
        result: 'retry',
      },
    ];

    for (const each of cases) {
      it(each.name, async () => {
        await suite.bench.create('web', { image: image(), ...each.spec });
        await each.prepare?.();
        const message = new RegExp(
          each.message.source.replaceAll('NS', suite.bench.namespace),
          each.message.flags,
        );
        for (const attempt of [0, 1]) {
          suite.bench.forget();
          const outcome = await suite.bench.run('web', { attempt });
          assert.equal(outcome.result, each.result, JSON.stringify(outcome));
          const object = (await suite.bench.read('web'))!;
          assertKstatus(object);
          const ready = object.status!.conditions!.find(({ type }) => type === 'Ready')!;
          assert.equal(ready.reason, each.reason);
          assert.match(ready.message, message);
          assert.deepEqual(outcome.result === each.result && outcome.message, ready.message);
          if (each.progress) {
            const text = `True ProgressingWithRetry: ${each.progress}`;
            assert.equal(words(object.status!.conditions!, 'Reconciling'), text);
          }
          assert.equal(object.status!.observedGeneration, each.result === 'stalled' ? 1 : -1);
          assert.equal(object.status!.lastScanResult, undefined);
          const events = await suite.bench.events('web');
          assert.deepEqual(
            events.map(({ type, reason }) => `${type} ${reason}`),
            [`Warning ${each.reason}`],
          );
        }
        assert.deepEqual(suite.bench.writes(), [], 'the same failure is written once');
      });
    }

    it('a failure keeps what a success has published, and the success after it clears the failure', async () => {
      await suite.bench.create('web', { image: image() });
      await suite.bench.run('web');
      const { status } = (await suite.bench.read('web'))!;
      await suite.bench.edit('web', { spec: { secretRef: { name: 'regcred' } } });
      await suite.bench.annotate('web', { [REQUESTED_AT]: 't9' });
      await suite.bench.run('web', { trigger: 'requested' });
      const failed = (await suite.bench.read('web'))!;
      assertKstatus(failed);
      // Appendix E, second example.
      const { conditions: shown, ...rest } = failed.status!;
      const { conditions: _, ...kept } = status!;
      assert.deepEqual(rest, { ...kept, lastHandledReconcileAt: 't9', observedGeneration: 1 });
      const text = 'True ProgressingWithRetry: processing object: new generation 1 -> 2';
      assert.equal(words(shown!, 'Reconciling'), text);
      await suite.bench.edit('web', { spec: { secretRef: null } });
      await suite.bench.run('web');
      const repaired = (await suite.bench.read('web'))!;
      assertKstatus(repaired);
      assert.equal(repaired.status!.observedGeneration, 3);
      assert.equal(words(repaired.status!.conditions!, 'Reconciling'), undefined);
    });

    it('while a slow first scan runs: Reconciling, Ready unknown; one patch more', async () => {
      await suite.bench.create('web', { image: image() });
      suite.registry.faults.add({ path: LISTING, delayMs: 400 });
      const run = suite.bench.run('web');
      while (!suite.bench.writes().some(({ on }) => on === 'imagerepositories/status')) await turn();
      while ((await conditions())?.length === undefined) await turn();
      const object = (await suite.bench.read('web'))!;
      assertKstatus(object, false);
      assert.equal(
        words(object.status!.conditions!, 'Reconciling'),
        'True Progressing: scanning: first scan',
      );
      assert.equal(words(object.status!.conditions!, 'Ready'), 'Unknown Progressing: scanning: first scan');
      assert.equal(object.status!.observedGeneration, -1);
      await run;
      assertKstatus((await suite.bench.read('web'))!);
      assert.equal(suite.bench.writes().filter(({ on }) => on === 'imagerepositories/status').length, 2);
    });

    it('a stall is left by an edit, and a message that is too long is cut', async () => {
      await suite.bench.create('web', { image: `https://${'x'.repeat(40_000)}` });
      assert.equal((await suite.bench.run('web')).result, 'stalled');
      const object = (await suite.bench.read('web'))!;
      assertKstatus(object);
      assert.equal(object.status!.conditions![0]!.type, 'Stalled');
      await suite.bench.edit('web', { spec: { image: image() } });
      assert.equal((await suite.bench.run('web')).result, 'ok');
      assertKstatus((await suite.bench.read('web'))!);
    });

    it('conditions of others are kept', async () => {
      await suite.bench.create('web', { image: image() });
      await suite.bench.run('web');
      const object = (await suite.bench.read('web'))!;
      const foreign: Condition = {
        type: 'Audited',
        status: 'True',
        reason: 'Seen',
        message: 'by somebody',
        lastTransitionTime: '2026-01-05T10:00:00Z',
      };
      const at = { namespace: suite.bench.namespace, name: 'web', subresource: 'status' };
      const list = [foreign, ...object.status!.conditions!];
      await suite.bench.kube.patch(suite.bench.resource, at, { status: { conditions: list } });
      suite.registry.faults.add({ path: LISTING, status: 403 });
      await suite.bench.annotate('web', { [REQUESTED_AT]: 'x' });
      await suite.bench.run('web', { trigger: 'requested' });
      const shown = await conditions();
      assert.deepEqual(
        shown.map(({ type }) => type),
        ['Reconciling', 'Ready', 'Audited'],
      );
      assert.deepEqual(shown[2], foreign);
    });
  });
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 2));
