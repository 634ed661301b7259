/** `npm run bench -- policy`: how many tags a second a policy chooses from, on one core (design section 11). */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import semver from 'semver';
import { inStoredOrder, revisionOf } from '../../../functions/image-repository/tag-set.ts';
import { compilePolicy } from '../../../shared/policy/policy.ts';
import { parseConstraint } from '../../../shared/policy/semver-grammar.ts';
import { selectVersion } from '../../../shared/policy/semver-selection.ts';
import { createDirectoryStore } from '../../../shared/storage/directory.ts';
import { readTagRecord, writeTagRecord } from '../../../shared/storage/tag-record.ts';
import { round } from '../figures.ts';

const COUNT = 10_000;

/** What repositories look like: releases alone, and releases among builds, variants and signatures. */
const LISTS: Record<string, (index: number) => string> = {
  releases: (index) => `${Math.floor(index / 1000)}.${Math.floor(index / 10) % 100}.${index % 10}`,
  mixed: (index) =>
    [
      `v${index % 7}.${index % 100}.${index}`,
      `1.${index % 50}.${index}-rc.${index % 9}`,
      `main-${index.toString(16)}-${1_700_000_000 + index}`,
      `${index % 3}.${index}.0-alpine`,
      `sha-${(index * 2_654_435_761).toString(16)}`,
    ][index % 5]!,
};

const RANGES = ['>=1.0.0', '<3.0.0', '>=0.0.0-0', '~1.2 || ^2.5.0-0'];

/** A case runs at least as long, after half as long that does not count. */
const MEASURED_MS = 400;

/** Million tags a second of CPU time. */
async function speedOf(select: () => unknown): Promise<number> {
  await repeat(select, MEASURED_MS / 2);
  const before = process.cpuUsage();
  const rounds = await repeat(select, MEASURED_MS);
  const { user, system } = process.cpuUsage(before);
  return round((rounds * COUNT) / (user + system));
}

async function repeat(select: () => unknown, ms: number): Promise<number> {
  const end = performance.now() + ms;
  let rounds = 0;
  for (; performance.now() < end; rounds++) await select();
  return rounds;
}

/**
 * Writes a line for every list and range: `core` is the selection alone, `product` what a run does from the stored tag
 * record to the chosen tag, `npmSemver` the library of that name on the same tags (it answers other ranges differently).
 */
export async function benchPolicy(write: (line: string) => void): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-bench-'));
  const store = createDirectoryStore(folder);
  try {
    for (const [list, tagOf] of Object.entries(LISTS)) {
      const key = { cluster: 'bench', namespace: 'bench', name: list };
      const reader = { uid: list, log: { error: write } };
      const tags = inStoredOrder(Array.from({ length: COUNT }, (_, index) => tagOf(index)));
      await writeTagRecord(store, key, {
        uid: list,
        canonicalName: 'registry.example/bench',
        exclusionList: [],
        scanTime: 0,
        revision: revisionOf(tags),
        tags,
      });
      // As a run has them: parts of one text.
      const stored = (await readTagRecord(store, key, reader))!.tags;
      for (const range of RANGES) {
        const constraint = parseConstraint(range);
        const millionTagsPerSecond = {
          core: await speedOf(() => selectVersion(stored, constraint)),
          product: await speedOf(async () => {
            const record = await readTagRecord(store, key, reader);
            return (await compilePolicy({ semver: { range } })).latest(record!.tags);
          }),
          npmSemver: await speedOf(() => semver.maxSatisfying(stored, range)),
        };
        write(`${`${list}, ${range}`.padEnd(42)}${JSON.stringify({ millionTagsPerSecond })}`);
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}
