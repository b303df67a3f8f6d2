/**
 * The latest call wins: starting one ends the one before; after a pause when asked to wait. Pure but for timers.
 */
export class Latest {
  #abort: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** Ends what runs and what waits. */
  cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#abort?.abort();
    this.#abort = null;
  }

  /** Runs `work` after `delay_ms`, unless something newer comes first. */
  after(delay_ms: number, work: (signal: AbortSignal) => Promise<void>): void {
    this.cancel();
    const abort = new AbortController();
    this.#abort = abort;
    this.#timer = setTimeout(() => void work(abort.signal), delay_ms);
  }
}
