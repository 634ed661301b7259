/** The limit of Quay's front end (spec 16.4): a bucket of `burst` requests that fills at `rps` a second. */
import type { Clock } from '../../../shared/runtime/clock.ts';

export interface Rate {
  rps: number;
  burst: number;
}

export class RateLimit {
  readonly #clock: Clock;
  #rate: Rate | undefined;
  #left = 0;
  #at = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Undefined: no limit. */
  set(rate: Rate | undefined): void {
    this.#rate = rate;
    this.#left = rate?.burst ?? 0;
    this.#at = this.#clock.now();
  }

  /** Whether one more request is let through. */
  admit(): boolean {
    if (!this.#rate) return true;
    const now = this.#clock.now();
    const { rps, burst } = this.#rate;
    this.#left = Math.min(burst, this.#left + ((now - this.#at) * rps) / 1000);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
