/** The transition scenarios of 17.9, as the decisions read them: 1 and 2 are one run, and what verifies comes later. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CLUSTERS } from '../workbench/clusters.ts';
import { assertKstatus } from '../workbench/kstatus.ts';
import { BASE, MANIFESTS, REQUESTED_AT, useSuite } from './suite.ts';

const FILES = { 'deploy/app.yaml': 'kind: A\n', 'readme.md': 'hello\n' };

for (const cluster of CLUSTERS) {
  describe(`scenarios of an OCIRepository on ${cluster.name}`, cluster.options, () => {
    const suite = useSuite(cluster.use(), { speed: 20 });
    const stored = (revision: string) => [
      `Ready True Succeeded: stored artifact for digest '${revision}'`,
      `ArtifactInStorage True Succeeded: stored artifact for digest '${revision}'`,
    ];
    /** Types, statuses and reasons. */
    const shown = async () => (await suite.conditions()).map((line) => line.slice(0, line.indexOf(':')));
    const repository = () => suite.url().slice('oci://'.length);
    /** Runs while the registry is slow, and gives the conditions and status that people see meanwhile. */
    const meanwhile = async (options: { trigger?: 'timer' | 'change' | 'requested' } = {}) => {
      const path = /\/(blobs|manifests)\//;
      suite.registry.faults.add({ path, delayMs: 60 });
      const run = suite.run(options);
      while (!suite.bench.writes().some(({ on }) => on === 'ocirepositories/status')) await turn();
      const before = (await suite.read()).metadata.resourceVersion;
      let object = await suite.read();
      while (object.metadata.resourceVersion === before && !isProgress(object)) {
        await turn();
        object = await suite.read();
      }
      assertKstatus(object, false);
      const conditions = await suite.conditions();
      await run;
      suite.registry.faults.clear();
      return { object, conditions };
    };
    const isProgress = (object: Awaited<ReturnType<typeof suite.read>>) =>
      object.status?.conditions?.some(({ type }) => type === 'Reconciling');

    it('1, 2: a new object', async () => {
      const digest = await suite.push('v1', FILES, { 'org.opencontainers.image.created': 'today' });
      await suite.create({ ref: { tag: 'v1' } });
      const object = await suite.run();
      const revision = `v1@${digest}`;
      const path = `ocirepository/${suite.bench.namespace}/web/${digest.slice(7)}.tar.gz`;
      const { artifact, conditions, ...rest } = object.status!;
      assert.deepEqual(await suite.conditions(), stored(revision));
      assert.ok(conditions!.every(({ observedGeneration }) => observedGeneration === 1));
      assert.deepEqual(rest, {
        observedGeneration: 1,
        url: `${BASE}/ocirepository/${suite.bench.namespace}/web/latest.tar.gz`,
        contentConfigChecksum: 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      });
      const { digest: file, size, checksum, lastUpdateTime, ...told } = artifact!;
      assert.deepEqual(told, {
        path,
        url: `${BASE}/${path}`,
        revision,
        metadata: { 'org.opencontainers.image.created': 'today' },
      });
      assert.equal(`sha256:${checksum}`, file);
      assert.ok(size! > 0 && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(lastUpdateTime));
      assert.deepEqual(await suite.files(), FILES);
      assert.deepEqual(
        await suite.stored(`${path.slice(0, path.lastIndexOf('/'))}/latest.tar.gz`),
        await suite.stored(path),
      );
      assert.deepEqual(object.metadata.finalizers, ['finalizers.fluxcd.io']);
      assert.deepEqual(await suite.events(), [
        `Normal NewArtifact: stored artifact with revision '${revision}' from '${suite.url()}'`,
      ]);
    });

    it('2: what is seen of a new object while the registry is slow', async () => {
      await suite.create();
      const { object, conditions } = await meanwhile();
      assert.match(conditions[0]!, /^Reconciling True NoArtifact: building artifact/);
      assert.match(conditions[1]!, /^Ready Unknown NoArtifact: building artifact/);
      assert.equal(conditions.length, 2);
      assert.equal(object.status!.observedGeneration, -1);
      assert.equal(object.status!.artifact, undefined);
      assert.deepEqual(await shown(), ['Ready True Succeeded', 'ArtifactInStorage True Succeeded']);
    });

    it('3: nothing new', async () => {
      const before = await suite.ready();
      await suite.run({ trigger: 'timer' });
      assert.deepEqual(await suite.read(), before);
      assert.deepEqual(suite.bench.writes(), []);
      await suite.run({ trigger: 'requested' });
      const { revision } = before.status!.artifact!;
      assert.ok(
        (await suite.events()).includes(
          `Normal ArtifactUpToDate: artifact up-to-date with remote revision: '${revision}'`,
        ),
      );
    });

    it('4: the tag moved', async () => {
      const { artifact } = (await suite.ready()).status!;
      const digest = await suite.push('latest', { 'new.yaml': 'b' });
      const { object, conditions } = await meanwhile({ trigger: 'timer' });
      const news = `new revision 'latest@${digest}' for '${repository()}:latest'`;
      assert.deepEqual(
        conditions.toSorted(inOrder),
        [
          `Reconciling True NewRevision: building artifact: ${news}`,
          `Ready Unknown NewRevision: building artifact: ${news}`,
          `ArtifactInStorage True Succeeded: stored artifact for digest '${artifact!.revision}'`,
          `ArtifactOutdated True NewRevision: ${news}`,
        ].sort(inOrder),
      );
      assert.deepEqual(object.status!.artifact, artifact);
      assert.deepEqual(await suite.conditions(), stored(`latest@${digest}`));
      assert.deepEqual(await suite.files(), { 'new.yaml': 'b' });
      assert.ok(
        (await suite.events()).some((text) =>
          text.startsWith(`Normal NewArtifact: stored artifact with revision 'latest@${digest}'`),
        ),
      );
    });

    for (const [status, code] of [
      [503, 'UNAVAILABLE'],
      [404, 'MANIFEST_UNKNOWN'],
      [401, 'UNAUTHORIZED'],
    ] as const) {
      it(`5, 6: the registry answers with ${status}, and is back with the same`, async () => {
        const before = await suite.ready();
        const errors = [{ code, message: 'said the registry' }];
        suite.registry.faults.add({ path: MANIFESTS, status, body: { errors } });
        const failed = await suite.fail({ trigger: 'timer' });
        assert.deepEqual(await shown(), [
          'Reconciling True ProgressingWithRetry',
          'Ready False OCIArtifactPullFailed',
          'ArtifactInStorage True Succeeded',
          'FetchFailed True OCIArtifactPullFailed',
        ]);
        assert.equal(
          (await suite.conditions())[0],
          'Reconciling True ProgressingWithRetry: reconciliation in progress',
        );
        assert.deepEqual(failed.status!.artifact, before.status!.artifact);
        assert.equal(failed.status!.observedGeneration, 1);
        suite.bench.forget();
        await suite.fail({ trigger: 'timer', attempt: 1 });
        assert.deepEqual(suite.bench.writes(), [], 'the same failure is written once');
        suite.registry.faults.clear();
        await suite.run({ trigger: 'timer', attempt: 1 });
        const { revision } = before.status!.artifact!;
        assert.deepEqual(await suite.conditions(), stored(revision));
        const reasons = (await suite.events()).map((text) => text.slice(0, text.indexOf(':')));
        assert.deepEqual(reasons.sort(), [
          'Normal NewArtifact',
          'Normal Succeeded',
          'Warning OCIArtifactPullFailed',
        ]);
      });
    }

    it('7: the registry is back with something new', async () => {
      await suite.ready();
      suite.registry.faults.add({ path: MANIFESTS, status: 403 });
      await suite.fail({ trigger: 'timer' });
      suite.registry.faults.clear();
      const digest = await suite.push('latest', { a: 'b' });
      await suite.run({ trigger: 'timer', attempt: 1 });
      assert.deepEqual(await suite.conditions(), stored(`latest@${digest}`));
      assert.deepEqual(
        (await suite.events()).filter((text) => text.includes('Succeeded')),
        [],
      );
    });

    it('8, 9: an address with a tag stalls, and is repaired', async () => {
      await suite.create({ url: 'oci://ghcr.io/acme/web:v1' });
      assert.equal((await suite.bench.run('web')).result, 'stalled');
      const object = await suite.read();
      assertKstatus(object);
      const message =
        "URL validation failed for 'oci://ghcr.io/acme/web:v1': image 'ghcr.io/acme/web:v1' should not include a tag; remove ':v1'";
      assert.deepEqual(await suite.conditions(), [
        `Stalled True URLInvalid: ${message}`,
        `Ready False URLInvalid: ${message}`,
        `FetchFailed True URLInvalid: ${message}`,
      ]);
      assert.equal(object.status!.observedGeneration, 1);
      assert.deepEqual(await suite.events(), [`Warning URLInvalid: ${message}`]);
      await suite.bench.edit('web', { spec: { url: suite.url() } });
      const { conditions } = await meanwhile();
      assert.ok(conditions.every((line) => !line.startsWith('Stalled')));
      assert.equal((await suite.read()).status!.observedGeneration, 2);
      assert.deepEqual(await shown(), ['Ready True Succeeded', 'ArtifactInStorage True Succeeded']);
    });

    it('10: a range without a match', async () => {
      const before = await suite.ready();
      await suite.bench.edit('web', { spec: { ref: { semver: '<=0.1.0' } } });
      const object = await suite.fail();
      assert.deepEqual(await suite.conditions(), [
        'Reconciling True ProgressingWithRetry: processing object: new generation 1 -> 2',
        `Ready False ReadOperationFailed: failed to determine the artifact tag for '${suite.url()}': no match found for semver: <=0.1.0`,
        `FetchFailed True ReadOperationFailed: failed to determine the artifact tag for '${suite.url()}': no match found for semver: <=0.1.0`,
        stored(before.status!.artifact!.revision)[1],
      ]);
      assert.equal(object.status!.observedGeneration, 1);
    });

    it('11: a Secret that is missing', async () => {
      await suite.ready();
      await suite.bench.edit('web', { spec: { secretRef: { name: 'regcred' } } });
      await suite.fail();
      assert.deepEqual((await shown()).slice(0, 3), [
        'Reconciling True ProgressingWithRetry',
        'Ready False AuthenticationFailed',
        'FetchFailed True AuthenticationFailed',
      ]);
      const missing = `failed to get credential: secret '${suite.bench.namespace}/regcred' not found`;
      const events = await suite.events();
      assert.ok(events.includes(`Warning AuthenticationFailed: ${missing}`));
      assert.ok(events.includes("Normal AuthenticationFailed: auth secret 'regcred' not found"));
    });

    it('14: a signature is asked for, and not any more', async () => {
      const before = await suite.ready();
      const digest = await suite.push('latest', { a: 'b' });
      await suite.bench.edit('web', {
        spec: { verify: { provider: 'cosign', secretRef: { name: 'keys' } } },
      });
      const failed = await suite.fail();
      assert.deepEqual((await shown()).sort(), [
        'ArtifactInStorage True Succeeded',
        'ArtifactOutdated True NewRevision',
        'Ready False VerificationError',
        'Reconciling True ProgressingWithRetry',
        'SourceVerified False VerificationError',
      ]);
      const ready = (await suite.conditions()).find((line) => line.startsWith('Ready'));
      assert.match(
        ready!,
        /: failed to verify the signature using provider 'cosign': this release cannot verify/,
      );
      assert.deepEqual(failed.status!.artifact, before.status!.artifact);
      await suite.bench.edit('web', { spec: { verify: null } });
      await suite.run();
      assert.deepEqual(await suite.conditions(), stored(`latest@${digest}`));
    });

    it('16: other ignore rules', async () => {
      const { artifact } = (await suite.ready()).status!;
      await suite.bench.edit('web', { spec: { ignore: '/readme.md\n' } });
      const { conditions } = await meanwhile();
      assert.equal(conditions[0], 'Reconciling True NewGeneration: processing object: new generation 1 -> 2');
      assert.equal(conditions[1], stored(artifact!.revision)[0]);
      const { status } = await suite.read();
      assert.deepEqual(await suite.files(), { 'deploy/app.yaml': 'kind: A\n' });
      assert.equal(status!.artifact!.revision, artifact!.revision);
      assert.notEqual(status!.artifact!.digest, artifact!.digest);
      assert.notEqual(status!.artifact!.path, artifact!.path, 'what was published is never written again');
      assert.equal(status!.observedIgnore, '/readme.md\n');
      assert.equal(status!.observedGeneration, 2);
      assert.ok(await suite.stored(artifact!.path), 'consumers may still fetch the file of before');
    });

    it('17: the stored file is gone', async () => {
      const before = await suite.ready();
      const { artifact } = before.status!;
      for await (const { key } of suite.bench.store.list('')) await suite.bench.store.delete(key);
      const { object, conditions } = await meanwhile({ trigger: 'timer' });
      assert.equal(conditions.length, 2);
      assert.match(conditions[0]!, /^Reconciling True NoArtifact: building artifact/);
      assert.match(conditions[1]!, /^Ready Unknown NoArtifact: building artifact/);
      assert.equal(object.status!.artifact, undefined);
      assert.equal(object.status!.url, undefined);
      const after = (await suite.read()).status!;
      assert.deepEqual({ ...after.artifact, lastUpdateTime: '' }, { ...artifact, lastUpdateTime: '' });
      assert.equal(after.url, before.status!.url);
      assert.deepEqual(await suite.files(), FILES);
      assert.equal((await suite.bench.events('web')).length, 1, 'the same file is no news');
    });

    it('18: the stored file was altered', async () => {
      const { artifact } = (await suite.ready()).status!;
      const [key] = await Array.fromAsync(suite.bench.store.list(''), ({ key: each }) => each);
      const altered = key!.includes('latest') ? undefined : key!;
      assert.ok(altered?.endsWith(artifact!.path));
      await suite.bench.store.put(altered!, Buffer.from('evil'));
      await suite.run({ trigger: 'timer' });
      assert.deepEqual(await suite.files(), FILES);
      const warning = (await suite.events()).find((text) => text.includes('ArtifactVerificationFailed'));
      assert.match(warning!, /^Warning ArtifactVerificationFailed: failed to verify integrity of artifact: /);
    });

    it('19, 20: the store refuses, and takes it later', async () => {
      const before = await suite.ready();
      const digest = await suite.push('latest', { a: 'b' });
      suite.bench.hooks.store = ({ verb }) => {
        if (verb === 'put') throw new Error('no space left');
      };
      const failed = await suite.fail({ trigger: 'timer' });
      const news = `new revision 'latest@${digest}' for '${repository()}:latest'`;
      assert.deepEqual(
        (await suite.conditions()).sort(inOrder),
        [
          `Reconciling True ProgressingWithRetry: building artifact: ${news}`,
          'Ready False ArchiveOperationFailed: unable to archive artifact to storage: no space left',
          stored(before.status!.artifact!.revision)[1]!,
          `ArtifactOutdated True NewRevision: ${news}`,
          'StorageOperationFailed True ArchiveOperationFailed: unable to archive artifact to storage: no space left',
        ].sort(inOrder),
      );
      assert.deepEqual(failed.status!.artifact, before.status!.artifact);
      suite.bench.hooks.store = undefined;
      await suite.run({ trigger: 'timer', attempt: 1 });
      assert.deepEqual(await suite.conditions(), stored(`latest@${digest}`));
    });

    it('21: a layer that is not there', async () => {
      const before = await suite.ready();
      await suite.bench.edit('web', { spec: { layerSelector: { mediaType: 'application/x' } } });
      const object = await suite.fail();
      const text =
        "OCIArtifactLayerOperationFailed: failed to find layer with media type 'application/x' in artifact";
      const conditions = await suite.conditions();
      assert.equal(conditions[1], `Ready False ${text}`);
      assert.ok(conditions.includes(`FetchFailed True ${text}`));
      assert.equal(object.status!.observedGeneration, 1);
      assert.deepEqual(object.status!.artifact, before.status!.artifact);
    });

    it('22, 23: suspended, whatever the registry and the store have; resumed', async () => {
      const before = await suite.ready();
      const digest = await suite.push('latest', { a: 'b' });
      await suite.bench.edit('web', { spec: { suspend: true } });
      await suite.bench.annotate('web', { [REQUESTED_AT]: 't1' });
      suite.forget();
      await suite.run();
      assert.equal(suite.registry.requests.count(), 0);
      assert.deepEqual(suite.bench.stored, []);
      const { status } = await suite.read();
      assert.deepEqual(status, { ...before.status, observedGeneration: 2, lastHandledReconcileAt: 't1' });
      const outcome = suite.outcome();
      assert.equal(outcome.result === 'ok' && outcome.requeueAfterMs, undefined);
      await suite.bench.edit('web', { spec: { suspend: false } });
      await suite.run();
      assert.deepEqual(await suite.conditions(), stored(`latest@${digest}`));
    });

    it('22: a stall ends with the suspension', async () => {
      await suite.create({ url: 'oci://ghcr.io/acme/web:v1' });
      await suite.bench.run('web');
      await suite.bench.edit('web', { spec: { suspend: true } });
      await suite.bench.run('web');
      assert.deepEqual(await shown(), ['Ready False URLInvalid', 'FetchFailed True URLInvalid']);
      assert.equal((await suite.read()).status!.observedGeneration, 2);
    });

    it('24: created suspended', async () => {
      await suite.create({ suspend: true });
      const object = await suite.run();
      assert.deepEqual(object.metadata.finalizers, ['finalizers.fluxcd.io']);
      assert.deepEqual(object.status, { observedGeneration: -1 });
    });

    it('25: the gate of a cloud identity', async () => {
      await suite.bench.kube.create(
        SERVICE_ACCOUNTS,
        { namespace: suite.bench.namespace },
        account('puller'),
      );
      await suite.create({ provider: 'aws', serviceAccountName: 'puller' });
      assert.equal((await suite.bench.run('web')).result, 'stalled');
      const object = await suite.read();
      assertKstatus(object);
      assert.deepEqual(await shown(), [
        'Stalled True FeatureGateDisabled',
        'Ready False FeatureGateDisabled',
      ]);
      assert.match((await suite.conditions())[0]!, /ObjectLevelWorkloadIdentity/);
      assert.equal(object.status!.observedGeneration, 1);
    });

    it('26: a request', async () => {
      await suite.ready();
      await suite.bench.annotate('web', { [REQUESTED_AT]: 't1' });
      const { conditions } = await meanwhile({ trigger: 'requested' });
      assert.equal(conditions[0], 'Reconciling True Progressing: reconciliation in progress');
      assert.match(conditions[1]!, /^Ready True/);
      assert.equal((await suite.read()).status!.lastHandledReconcileAt, 't1');
      assert.deepEqual(await shown(), ['Ready True Succeeded', 'ArtifactInStorage True Succeeded']);
    });

    it('27: deleted', async () => {
      await suite.ready();
      await suite.bench.remove('web');
      assert.equal((await suite.bench.run('web')).result, 'gone');
      assert.equal(await suite.bench.read('web'), undefined);
      assert.deepEqual(await Array.fromAsync(suite.bench.store.list('')), []);
      assert.ok(
        (await suite.events()).includes(
          'Normal GarbageCollectionSucceeded: garbage collected artifacts for deleted resource',
        ),
      );
    });

    it('27: deleted while suspended, with a finalizer of somebody else', async () => {
      await suite.ready();
      const finalizers = ['finalizers.fluxcd.io', 'example.com/theirs'];
      await suite.bench.edit('web', { metadata: { finalizers }, spec: { suspend: true } });
      await suite.bench.remove('web');
      assert.equal((await suite.bench.run('web')).result, 'gone');
      const object = await suite.read();
      assert.deepEqual(object.metadata.finalizers, ['example.com/theirs']);
      assert.equal(object.status!.artifact, undefined);
      assert.deepEqual(await Array.fromAsync(suite.bench.store.list('')), []);
      await suite.bench.edit('web', { metadata: { finalizers: null } });
    });

    it('27: files that cannot be deleted keep the object', async () => {
      await suite.ready();
      await suite.bench.remove('web');
      suite.bench.hooks.store = ({ verb }) => {
        if (verb === 'delete') throw new Error('the bucket is gone');
      };
      const outcome = await suite.bench.run('web');
      assert.equal(outcome.result === 'retry' && outcome.reason, 'GarbageCollectionFailed');
      const object = await suite.read();
      assert.deepEqual(object.metadata.finalizers, ['finalizers.fluxcd.io']);
      assert.ok(
        (await suite.events()).includes(
          'Warning GarbageCollectionFailed: garbage collection for deleted resource failed: the bucket is gone',
        ),
      );
      suite.bench.hooks.store = undefined;
      await suite.bench.run('web');
      assert.equal(await suite.bench.read('web'), undefined);
    });
  });
}

const SERVICE_ACCOUNTS = {
  group: '',
  version: 'v1',
  plural: 'serviceaccounts',
  kind: 'ServiceAccount',
  namespaced: true,
};
const account = (name: string) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } });
const inOrder = (a: string, b: string) => (a < b ? -1 : 1);
const turn = () => new Promise((resolve) => setTimeout(resolve, 2));
