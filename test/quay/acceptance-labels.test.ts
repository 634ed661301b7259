/** Labels count until the names are written ahead, and never again (decisions, a MUST that came after appendix C). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  APPLICATION_LABEL,
  COMPONENT_LABEL,
  QUAY_ANNOTATION,
} from '../../shared/api/quay-image-repository.ts';
import { conditionsOf, onBothServers } from './suite.ts';

onBothServers('labels', (suite) => {
  test('labels that are added or changed later change nothing, in no step', async () => {
    await suite.component('my-component');
    await suite.account('appstudio-pipeline');
    await suite.account('build-pipeline-my-component');
    const before = await suite.provisioned();
    await suite.bench.edit('any', { metadata: suite.linked() });
    await suite.bench.annotate('any', { [QUAY_ANNOTATION.updateComponentImage]: 'true' });
    const after = await suite.settled('any');
    assert.deepEqual(after.status, before.status);
    assert.equal(after.metadata.ownerReferences, undefined);
    assert.deepEqual((await suite.links('appstudio-pipeline')).secrets, []);
    assert.equal((await suite.readComponent('my-component'))?.spec?.containerImage, undefined);
    await suite.bench.edit('any', {
      spec: { credentials: { 'verify-linking': true, 'regenerate-token': true } },
    });
    const { status } = await suite.settled('any');
    assert.ok(!('pull-robot-account' in status.credentials));
    assert.deepEqual((await suite.links('build-pipeline-my-component')).secrets, []);
    assert.equal(Object.keys(suite.org().robots).length, 1);
  });

  /** As the newest originals left objects: with a pull robot, whatever they are for. */
  async function takenOver(labels: Record<string, string>) {
    await suite.provisionedComponent();
    await suite.account('appstudio-pipeline');
    const none = { [COMPONENT_LABEL]: null, [APPLICATION_LABEL]: null };
    await suite.bench.edit('any', { metadata: { ownerReferences: null, labels: { ...none, ...labels } } });
    await suite.status('any', { conditions: null, observedGeneration: null });
    return await suite.settled('any');
  }

  test('a general object of the newest originals: no pipeline gets its credentials, both robots are rotated', async () => {
    const { status } = await takenOver({});
    assert.equal(status.state, 'ready');
    assert.deepEqual(conditionsOf(await suite.read('any')), ['Ready=True Provisioned']);
    assert.deepEqual((await suite.links('appstudio-pipeline')).secrets, []);
    const tokens = () => Object.values(suite.org().robots).map(({ token }) => token);
    const before = tokens();
    await suite.bench.edit('any', { spec: { credentials: { 'regenerate-token': true } } });
    await suite.settled('any');
    assert.equal(tokens().filter((token) => !before.includes(token)).length, 2);
    await suite.bench.remove('any');
    assert.equal((await suite.run('any')).result, 'gone');
    assert.deepEqual([suite.org().repositories, suite.org().robots], [{}, {}]);
  });

  test('one of a Component whose owner was never set: the label names it', async () => {
    await takenOver({ [COMPONENT_LABEL]: 'my-component' });
    assert.deepEqual((await suite.links('appstudio-pipeline')).secrets, ['any-image-push']);
  });

  test('labels of a Component that change later change nothing either', async () => {
    await suite.account('build-pipeline-other');
    const before = await suite.provisionedComponent();
    const labels = { [COMPONENT_LABEL]: 'other', [APPLICATION_LABEL]: 'other' };
    await suite.bench.edit('any', { metadata: { labels } });
    const after = await suite.settled('any');
    assert.deepEqual(after.status, before.status);
    assert.deepEqual((await suite.links('build-pipeline-other')).secrets, []);
    await suite.bench.edit('any', {
      metadata: { labels: { [COMPONENT_LABEL]: null, [APPLICATION_LABEL]: null } },
    });
    await suite.settled('any');
    await suite.bench.remove('any');
    assert.equal((await suite.run('any')).result, 'gone');
    assert.deepEqual([suite.org().repositories, suite.org().robots], [{}, {}]);
  });
});
