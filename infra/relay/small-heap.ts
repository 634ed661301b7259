/** What is alive is little beside what lists and runs leave behind: nobody shall keep that (design section 11). */
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

/**
 * The same for a process that runs functions as well: the heap still grows, but by a fifth and not by a multiple of what
 * is alive. Small buffers share pools of 8 KiB, as in Node 22, instead of 64: what zlib keeps until the next full
 * collection is a slice of one, and held all of it. Measured after 500 new OCIRepositories: 117 MiB instead of 159, for
 * no more CPU.
 */
export function growHeapSlowly(): void {
  setFlagsFromString('--heap-growing-percent=20');
  Buffer.poolSize = 8 * 1024;
}
