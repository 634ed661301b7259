/**
 * Acceptance point 13: after every case of 8.9 the policy shows the picture of 3.5 with the reason and the words of the
 * specification, and kstatus reads it right. The last good choice survives all of them.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Condition } from '../../shared/kube/resource.ts';
import { CLUSTERS } from '../workbench/clusters.ts';
import { assertKstatus } from '../workbench/kstatus.ts';
import { CLUSTER } from '../workbench/workbench.ts';
import { MANIFEST, NEWEST, useSuite } from './suite.ts';

interface Case {
  name: string;
  /** A merge patch of the policy's `spec`. */
  spec?: Record<string, unknown>;
  prepare?: () => unknown;
  reason: string;
  message: RegExp;
  result?: 'stalled' | 'retry';
}

const DIGEST = { digestReflectionPolicy: 'IfNotPresent' } as const;

for (const cluster of CLUSTERS) {
  describe(`13. conditions on ${cluster.name}`, cluster.options, () => {
    const suite = useSuite(cluster.use(), { speed: 20 });
    const words = (conditions: Condition[] | undefined, type: string) => {
      const found = conditions?.find((each) => each.type === type);
      return found && `${found.status} ${found.reason}: ${found.message}`;
    };
    const range = (text: string) => ({ policy: { semver: { range: text } } });
    const manifestsAnswer = (status: number) => () => suite.registry.faults.add({ path: MANIFEST, status });

    it('success, and its event; a timer tells nothing more', async () => {
      await suite.scanned();
      await suite.policies.create('newest', { ...NEWEST, ...DIGEST });
      const { outcome, object } = await suite.run();
      const { digest } = object.status!.latestRef!;
      const message = `Latest image tag for ${suite.image()} resolved to 2.0.0 with digest ${digest}`;
      assert.equal(words(object.status!.conditions, 'Ready'), `True Succeeded: ${message}`);
      assert.deepEqual(outcome.ready, { status: 'True', reason: 'Succeeded', message });
      assert.deepEqual(outcome.measures, [
        { name: 'imagereflect_policy_evaluations_total', value: 1, labels: { result: 'success' } },
      ]);
      suite.forget();
      await suite.run('newest', { trigger: 'timer' });
      await suite.run('newest', { trigger: 'dependency' });
      assert.deepEqual(suite.policies.writes(), []);
      assert.deepEqual(await suite.policies.events('newest'), [
        { type: 'Normal', reason: 'Succeeded', message, count: 1 },
      ]);
    });

    it('a repository that has not been scanned, as appendix E shows it', async () => {
      await suite.scans.create('web', { image: suite.image() });
      await suite.policies.create('newest', NEWEST);
      const { outcome, object } = await suite.run();
      assert.equal(
        words(object.status!.conditions, 'Reconciling'),
        'True ProgressingWithRetry: processing object: new generation -1 -> 1',
      );
      assert.equal(
        words(object.status!.conditions, 'Ready'),
        'False DependencyNotReady: retrying in 30s error: no tags in database',
      );
      assert.equal(object.status!.observedGeneration, -1);
      assert.equal(outcome.result === 'ok' && outcome.requeueAfterMs, 30_000, 'a wait, no failure');
      assert.deepEqual(
        (await suite.policies.events('newest')).map(({ type, reason }) => `${type} ${reason}`),
        ['Warning DependencyNotReady'],
      );
    });

    const cases: Case[] = [
      {
        name: 'a range that is none',
        spec: range('not a range'),
        reason: 'InvalidPolicy',
        message: /^invalid policy: improper constraint: "not a range"$/,
        result: 'stalled',
      },
      {
        name: 'no rule at all',
        spec: { policy: { semver: null } },
        reason: 'InvalidPolicy',
        message: /^invalid policy: given ImagePolicyChoice object is invalid$/,
        result: 'stalled',
      },
      {
        name: 'several rules: the first counts, and fails',
        spec: { policy: { semver: { range: '1..2' }, alphabetical: {}, numerical: {} } },
        reason: 'InvalidPolicy',
        message: /^invalid policy: improper constraint/,
        result: 'stalled',
      },
      {
        name: 'a pattern that is none',
        spec: { filterTags: { pattern: '(' } },
        reason: 'InvalidPolicy',
        message: /^failed to filter tags: invalid regular expression pattern '\(': /,
        result: 'stalled',
      },
      {
        name: 'a pattern that only JavaScript knows',
        spec: { filterTags: { pattern: '^(?!dev).*$' } },
        reason: 'InvalidPolicy',
        message: /^failed to filter tags: invalid regular expression pattern '\^\(\?!dev\)\.\*\$': /,
        result: 'stalled',
      },
      {
        name: 'an invalid pattern where no tags are stored either (IR-POL-5)',
        spec: { filterTags: { pattern: '(' } },
        prepare: () => suite.scans.store.delete(`${CLUSTER}/tags/${suite.scans.namespace}/web`),
        reason: 'InvalidPolicy',
        message: /^failed to filter tags: /,
        result: 'stalled',
      },
      {
        name: 'an image that is none',
        prepare: () => suite.scans.edit('web', { spec: { image: 'https://ghcr.io/org/app' } }),
        reason: 'ImageURLInvalid',
        message: /^image 'https:\/\/ghcr\.io\/org\/app' should not include URL scheme; remove 'https:\/\/'$/,
        result: 'stalled',
      },
      {
        name: 'the gate of the repository',
        prepare: () => suite.scans.edit('web', { spec: { provider: 'aws', serviceAccountName: 'puller' } }),
        reason: 'FeatureGateDisabled',
        message: /spec\.serviceAccountName of ImageRepository 'NS\/web'.*ObjectLevelWorkloadIdentity/,
        result: 'stalled',
      },
      {
        name: 'no repository',
        spec: { imageRepositoryRef: { name: 'nobody' } },
        reason: 'DependencyNotReady',
        message:
          /^failed to get the referred ImageRepository: referenced ImageRepository does not exist: .*"nobody" not found in namespace 'NS'$/,
      },
      {
        name: 'a repository without a name',
        spec: { imageRepositoryRef: { name: '' } },
        reason: 'DependencyNotReady',
        message:
          /^failed to get the referred ImageRepository: referenced ImageRepository does not exist: .*"" not found in namespace 'NS'$/,
      },
      {
        name: 'a repository that cannot be read',
        prepare: () => {
          suite.policies.hooks.api = ({ on }) => {
            if (on === 'imagerepositories') throw new Error('the API server is tired');
          };
        },
        reason: 'Failure',
        message: /^failed to get the referred ImageRepository: the API server is tired$/,
      },
      {
        name: 'a store that cannot be read',
        prepare: () => {
          suite.policies.hooks.store = () => {
            throw new Error('the bucket is gone');
          };
        },
        reason: 'Failure',
        message: /^failed to read tags from database: .*the bucket is gone$/,
      },
      {
        name: 'tags that are all filtered away',
        spec: { filterTags: { pattern: '^3' } },
        reason: 'Failure',
        message: /^version list argument cannot be empty \(4 tags stored, 0 after filter\)$/,
      },
      {
        name: 'no version in the range',
        spec: range('>=9'),
        reason: 'Failure',
        message: /^unable to determine latest version from provided list \(4 tags stored\)$/,
      },
      {
        name: 'a tag that is no number',
        spec: { policy: { semver: null, numerical: { order: 'asc' } } },
        reason: 'Failure',
        message: /^failed to parse invalid numeric value 'latest' \(4 tags stored\)$/,
      },
      {
        name: 'a tag that the registry does not know',
        spec: DIGEST,
        prepare: manifestsAnswer(404),
        reason: 'Failed',
        message: /^failed fetching digest of 127\.0\.0\.1:\d+\/team\/app:2\.0\.0: HEAD .*404/,
      },
      {
        name: 'a registry that fails at the digest alone',
        spec: DIGEST,
        prepare: manifestsAnswer(500),
        reason: 'Failed',
        message: /^failed fetching digest of 127\.0\.0\.1:\d+\/team\/app:2\.0\.0: .*500/,
      },
      {
        name: 'a registry that does not answer',
        spec: DIGEST,
        prepare: async () => {
          await suite.scans.edit('web', { spec: { timeout: '2s' } });
          suite.registry.faults.add({ path: MANIFEST, delayMs: Number.POSITIVE_INFINITY });
        },
        reason: 'Failed',
        message: /^failed fetching digest of .*:2\.0\.0: deadline of 2s exceeded$/,
      },
      {
        name: 'a Secret of the repository that is missing',
        spec: DIGEST,
        prepare: () => suite.scans.edit('web', { spec: { secretRef: { name: 'regcred' } } }),
        reason: 'Failed',
        message: /^failed fetching digest of .*:2\.0\.0: secret 'NS\/regcred' not found$/,
      },
    ];

    for (const each of cases) {
      it(each.name, async () => {
        const { policies } = suite;
        await suite.scanned();
        const { status: before } = await suite.chosen();
        await policies.edit('newest', { spec: each.spec ?? {} });
        await each.prepare?.();
        const result = each.result ?? 'retry';
        const message = new RegExp(each.message.source.replaceAll('NS', suite.scans.namespace));
        for (const attempt of [0, 1]) {
          suite.forget();
          const { outcome, object, ready } = await suite.run('newest', { attempt });
          assert.equal(outcome.result, result, JSON.stringify(outcome));
          assert.equal(ready.reason, each.reason);
          assert.match(ready.message, message);
          assert.equal('message' in outcome && outcome.message, ready.message);
          const generation = object.metadata.generation!;
          const observed = generation > 1 && result === 'retry' ? 1 : generation;
          assert.equal(object.status!.observedGeneration, observed);
          assert.deepEqual(object.status!.latestRef, before!.latestRef);
          assert.equal(object.status!.latestImage, before!.latestImage);
          assert.deepEqual(
            (await policies.events('newest')).map(({ type, reason }) => `${type} ${reason}`).sort(),
            ['Normal Succeeded', `Warning ${each.reason}`],
          );
        }
        assert.deepEqual(policies.writes(), [], 'the same failure is written once');

        // What stood in the way goes: the choice stands, and the failure is forgotten.
        policies.hooks.api = undefined;
        policies.hooks.store = undefined;
        suite.registry.faults.clear();
        const spec = { image: suite.image(), provider: null, serviceAccountName: null, secretRef: null };
        await suite.scans.edit('web', { spec });
        await suite.scans.run('web');
        const policy = { ...NEWEST.policy, alphabetical: null, numerical: null };
        await policies.edit('newest', { spec: { ...NEWEST, policy, filterTags: null } });
        const repaired = await suite.run();
        assert.equal(repaired.outcome.result, 'ok', JSON.stringify(repaired.outcome));
        assert.equal(repaired.object.status!.latestRef!.tag, before!.latestRef!.tag);
      });
    }

    it('while a slow look at a digest goes on: Reconciling, Ready unknown; one patch more', async () => {
      const { policies, registry } = suite;
      await suite.scanned();
      await policies.create('newest', { ...NEWEST, ...DIGEST });
      registry.faults.add({ path: MANIFEST, delayMs: 400 });
      const run = policies.run('newest');
      const isStatus = ({ on }: { on: string }) => on === 'imagepolicies/status';
      while (!policies.writes().some(isStatus)) await turn();
      while (!(await policies.read('newest'))!.status?.conditions?.length) await turn();
      const object = (await policies.read('newest'))!;
      assertKstatus(object, false);
      const text = 'Progressing: processing object: new generation -1 -> 1';
      assert.equal(words(object.status!.conditions, 'Reconciling'), `True ${text}`);
      assert.equal(words(object.status!.conditions, 'Ready'), `Unknown ${text}`);
      await run;
      assertKstatus((await policies.read('newest'))!);
      assert.equal(policies.writes().filter(isStatus).length, 2);
    });

    it('an empty repository waits for tags', async () => {
      await suite.scanned({ exclusionList: ['.'] });
      await suite.policies.create('newest', NEWEST);
      const { ready } = await suite.run();
      assert.equal(ready.message, 'retrying in 30s error: no tags in database');
    });
  });
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 2));
