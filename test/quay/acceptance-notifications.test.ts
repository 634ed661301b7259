/** Acceptance list of the specification (appendix C): notifications, C36. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpecNotification } from '../../shared/api/quay-image-repository.ts';
import { onBothServers, type QuaySuite } from './suite.ts';

const hook = (title: string, url = `https://example.com/${title}`): SpecNotification => ({
  title,
  event: 'repo_push',
  method: 'webhook',
  config: { url },
});

onBothServers('notifications', (suite) => {
  const stored = (name = 'any') => suite.org().repositories[`${suite.namespace}/${name}`];

  test('C36 notifications: add, update with another uuid, delete one, delete several', async () => {
    await suite.provisioned({ notifications: [hook('a'), hook('b'), hook('c')] });
    const notes = () =>
      stored()!.notifications.map(({ title, config }) => `${title} ${config.url ?? config.email}`);
    const uuids = async () => (await suite.read('any')).status.notifications!;
    assert.deepEqual(notes(), [
      'a https://example.com/a',
      'b https://example.com/b',
      'c https://example.com/c',
    ]);
    const before = await uuids();
    assert.deepEqual(
      before.map(({ title }) => title),
      ['a', 'b', 'c'],
    );

    const kept = [hook('a'), hook('b', 'https://example.com/other'), hook('c'), mail('d', 'a@example.com')];
    await edited(suite, kept);
    const after = await uuids();
    assert.deepEqual(notes().toSorted(), [
      'a https://example.com/a',
      'b https://example.com/other',
      'c https://example.com/c',
      'd a@example.com',
    ]);
    assert.notEqual(after[1]?.uuid, before[1]?.uuid);

    // The local Quay writes to example.com only.
    await edited(suite, [...kept, mail('e', 'a@elsewhere.example')]);
    const { status } = await suite.read('any');
    assert.equal(status.message, 'Error while adding a notification (e) to Quay');
    assert.deepEqual([status.state, status.notifications?.length], ['ready', 4]);

    await edited(suite, [hook('a'), hook('b', 'https://example.com/other')]);
    assert.deepEqual((await suite.read('any')).status.message, undefined);
    assert.equal(stored()!.notifications.length, 2);
    await edited(suite, []);
    assert.deepEqual(
      [stored()!.notifications, (await suite.read('any')).status.notifications],
      [[], undefined],
    );
  });

  test('C36 a bad URL, an entry without a method: the message names the title, and a second look repairs', async () => {
    await suite.provisioned();
    for (const entry of [hook('bad', 'ftp://example.com'), { title: 'bad' }]) {
      await edited(suite, [entry]);
      assert.equal(
        (await suite.read('any')).status.message,
        'Error while adding a notification (bad) to Quay',
      );
    }
    await edited(suite, [hook('bad')]);
    assert.equal((await suite.read('any')).status.message, undefined);
    assert.equal(stored()!.notifications.length, 1);
  });

  test('C36 one that somebody deleted in Quay is made again; those of others are left alone', async () => {
    await suite.provisioned({ notifications: [hook('mine')] });
    const [mine] = stored()!.notifications;
    stored()!.notifications = [{ ...mine!, uuid: 'somebody-elses', title: 'theirs' }];
    const { status } = await suite.settled('any');
    assert.deepEqual(
      stored()!
        .notifications.map(({ title }) => title)
        .toSorted(),
      ['mine', 'theirs'],
    );
    assert.notEqual(status.notifications?.[0]?.uuid, mine?.uuid);
    suite.forget();
    await suite.settled('any');
    assert.equal(suite.asked().length, 1, 'a quiet look lists, and no more');
    assert.deepEqual(suite.bench.writes(), []);
  });

  test('C36 a crash after any call makes nothing twice', async () => {
    for (let crashAfter = 1; ; crashAfter++) {
      const name = `any-${crashAfter}`;
      await suite.create(name, { notifications: [hook('a'), hook('gone')] });
      await suite.settled(name);
      await suite.bench.edit(name, {
        spec: { notifications: [hook('a', 'https://example.com/2'), hook('b')] },
      });
      await suite.run(name, { crashAfter });
      if (!suite.crashed) break;
      await suite.settled(name, { attempt: 1 });
      const titles = stored(name)!.notifications.map(({ title }) => title);
      assert.deepEqual(titles.toSorted(), ['a', 'b'], `crashed after ${crashAfter} calls`);
    }
  });
});

function mail(title: string, email: string): SpecNotification {
  return { title, event: 'repo_push', method: 'email', config: { email } };
}

async function edited(suite: QuaySuite, notifications: SpecNotification[]): Promise<void> {
  await suite.bench.edit('any', { spec: { notifications } });
  await suite.settled('any');
}
