/** The header `Retry-After` (RFC 9110, 10.2.3). */

/** Milliseconds that the header asks to wait from `now` on; undefined when it says nothing that makes sense. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
