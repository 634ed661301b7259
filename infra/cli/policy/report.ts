/** The answer of the command: one value, shown to programs as JSON and to people as a table. */
import type { TagVerdict } from '../../../shared/policy/explanation.ts';
import type { Choice } from '../../../shared/policy/policy.ts';
import { visible } from '../visible.ts';

export interface Report {
  latest: Choice | null;
  /** Reason and message of the condition that the object would have. */
  error: { reason: string; message: string } | null;
  /** Every distinct tag once, in order of preference. */
  tags: TagVerdict[];
}

/** One JSON object: `latest`, `error`, `tags`. */
export function reportJson({ latest, error, tags }: Report): string {
  const rows = tags.map(({ tag, value, candidate, matches, why }) => ({
    tag,
    value,
    candidate,
    matches,
    why,
  }));
  return `${JSON.stringify({ latest, error, tags: rows }, undefined, 2)}\n`;
}

const COLUMNS: [title: string, cell: (verdict: TagVerdict) => string][] = [
  ['TAG', ({ tag }) => tag],
  ['VALUE', ({ value }) => value ?? '-'],
  ['VERSION', ({ version }) => version ?? '-'],
  ['IN RANGE', ({ candidate, matches }) => (candidate ? (matches ? 'yes' : 'no') : '-')],
  ['WHY', ({ why }) => why],
];
const GAP = '   ';

/** The tag that is picked, then one line a tag. An error is not part of it. */
export function reportTable({ latest, tags }: Report): string {
  const cells = [
    COLUMNS.map(([title]) => title),
    ...tags.map((verdict) => COLUMNS.map(([, cell]) => visible(cell(verdict)))),
  ];
  const widths = COLUMNS.map((_, column) =>
    cells.reduce((width, line) => Math.max(width, line[column]!.length), 0),
  );
  const lines = cells.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join(GAP)
      .trimEnd(),
  );
  const first = latest ? `Latest tag: ${visible(latest.tag)}` : 'No tag is picked.';
  return `${[first, '', ...(tags.length > 0 ? lines : ['There are no tags.'])].join('\n')}\n`;
}
