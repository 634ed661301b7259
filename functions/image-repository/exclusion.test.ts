import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exclusionListOf } from '../../shared/api/image-repository.ts';
import { compileExclusions, excludeTags } from './exclusion.ts';
import { inStoredOrder } from './tag-set.ts';

const never = new AbortController().signal;

/** What a scan with this list keeps, in stored order. */
async function kept(list: string[] | undefined, tags: string[]): Promise<string[]> {
  const tests = await compileExclusions(exclusionListOf({ image: '', interval: '1m', exclusionList: list }));
  return inStoredOrder(await excludeTags(tags, tests, never));
}

describe('exclusion (5.4)', () => {
  const signed = ['1.0.0', 'sha256-aa.sig', 'latest'];
  const rows: [list: string[] | undefined, tags: string[], keeps: string[]][] = [
    [undefined, signed, ['latest', '1.0.0']],
    [[], signed, ['latest', '1.0.0']],
    [['^$'], signed, ['sha256-aa.sig', 'latest', '1.0.0']],
    [['-rc'], ['2.0-rc1', '2.0', 'rc-2.0', 'x.sig'], ['x.sig', 'rc-2.0', '2.0']],
    [['^sha-', '\\.sig$', 'latest'], ['sha-1', 'a.sig', 'latest-arm', 'v1'], ['v1']],
    [['alpha'], ['1.0-alpha-2', '1.0'], ['1.0']],
    [['(?i)^REL-', '^[[:digit:]]+$'], ['rel-1', 'REL-2', '12', 'v12'], ['v12']],
    [['^.*\\.sig$'], ['.sig', 'a.sigx', 'a.att', 'a.sbom'], ['a.sigx', 'a.sbom', 'a.att']],
  ];
  for (const [list, tags, keeps] of rows) {
    it(`${JSON.stringify(list) ?? 'default'} on ${tags.join(', ')}`, async () => {
      assert.deepEqual(await kept(list, tags), keeps);
    });
  }

  const bad = [
    '(',
    '^(?!dev).*$',
    '^(a)\\1$',
    '[0-9]{1001}',
    'a++',
    '(?>a)',
    '\\u0061',
    '[a-\\d]',
    '(?<=a)b',
  ];
  for (const pattern of bad) {
    it(`refuses ${pattern} as RE2 does, naming it`, async () => {
      await assert.rejects(compileExclusions(['^a$', pattern]), (error: Error) =>
        error.message.startsWith(`failed to compile regex ${pattern}: error parsing regexp: `),
      );
    });
  }

  it('refuses a pattern whose program is too large', async () => {
    await assert.rejects(compileExclusions(['(x*){999}'.repeat(20)]), /the pattern is too large/);
  });

  it('stays linear on a pattern that makes other engines explode', async () => {
    const tags = Array.from({ length: 10_000 }, (_, index) => `${'a'.repeat(122)}${index}!`);
    const tests = await compileExclusions(['^(a+)+$']);
    assert.equal((await excludeTags(tags, tests, never)).length, tags.length);
  });

  it('forgets patterns beyond its bound, and still knows every one', async () => {
    for (let index = 0; index < 600; index++) await compileExclusions([`^only-${index}$`]);
    assert.deepEqual(await kept(['^only-0$'], ['only-0', 'only-1']), ['only-1']);
    assert.deepEqual(await kept(undefined, ['a.sig', 'b']), ['b']);
  });

  it('ends with its signal, in the middle of a long list', async () => {
    const controller = new AbortController();
    controller.abort(new Error('deadline'));
    const slow = () => {
      const until = performance.now() + 0.2;
      while (performance.now() < until);
      return false;
    };
    const tags = Array.from({ length: 2000 }, (_, index) => `${index}`);
    await assert.rejects(excludeTags(tags, [slow], controller.signal), /deadline/);
  });
});
