/**
 * Reporter of `node --test`: at the end, how many tests or whole suites were skipped and why. What was skipped for want of a
 * part that is there fails the run: it would be green without having tested anything.
 * With SKIPPED_FILES set, the files that have skipped tests are written there, one a line, so that they can be run
 * again where the parts exist (`.ci/run`).
 */
import { writeFileSync } from 'node:fs';
import type { TestEvent } from 'node:test/reporters';
import { part } from '../parts/parts.ts';

/** The form of a reason that `needs` of `test/parts/parts.ts` gives. */
const NEEDS = /^needs ([^:]+):/;

export interface Skips {
  /** how many tests or suites were skipped for each reason. */
  reasons: Map<string, number>;
  files: Set<string>;
}

/** Adds a test that was skipped; all other events mean nothing here. */
export function noteSkip(event: TestEvent, skips: Skips): void {
  if (event.type !== 'test:pass' || event.data.skip === undefined || event.data.skip === false) return;
  const reason = typeof event.data.skip === 'string' ? event.data.skip : 'no reason given';
  skips.reasons.set(reason, (skips.reasons.get(reason) ?? 0) + 1);
  if (event.data.file) skips.files.add(event.data.file);
}

/**
 * The lines that tell about skips, and whether all of them are honest.
 * @param exists whether a part of that name is on this machine
 */
export function judgeSkips(
  { reasons }: Skips,
  exists: (name: string) => boolean,
): { lines: string[]; honest: boolean } {
  const total = [...reasons.values()].reduce((sum, count) => sum + count, 0);
  const lines = [`skipped tests and suites: ${total}`];
  let honest = true;
  for (const [reason, count] of reasons) {
    const names = NEEDS.exec(reason)?.[1]
      ?.split(',')
      .map((name) => name.trim());
    const unfounded = names?.every(exists) ?? false;
    lines.push(`  ${count} × ${reason}${unfounded ? ' – BUT ALL OF THAT IS HERE' : ''}`);
    if (unfounded) honest = false;
  }
  return { lines, honest };
}

export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const skips: Skips = { reasons: new Map(), files: new Set() };
  for await (const event of source) noteSkip(event, skips);
  const { lines, honest } = judgeSkips(skips, (name) => part(name) !== undefined);
  if (!honest) process.exitCode = 1;
  if (process.env.SKIPPED_FILES) {
    writeFileSync(process.env.SKIPPED_FILES, [...skips.files].map((file) => `${file}\n`).join(''));
  }
  yield `${lines.join('\n')}\n`;
}
