/** The relay's heap is small but for what a list leaves behind: it shall not keep that (design section 11). */
import { setFlagsFromString } from 'node:v8';

/**
 * Tells V8 to collect early instead of growing. Measured with 10,000 objects of 3 KB: 92 MiB instead of 130 MiB, and
 * 100,000 of them: 140 instead of 320; a watch event costs 0.03 ms of CPU instead of 0.025. For a process that is only
 * the relay: functions beside it want the speed.
 */
export function preferSmallHeap(): void {
  setFlagsFromString('--optimize-for-size');
  setFlagsFromString('--semi-space-growth-factor=1');
}
