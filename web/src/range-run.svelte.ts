/**
 * One question about a range of time: its answer, and what became of the last try.
 *
 * A new range cuts off the question before; a refresh never does, so that an answer slower than the refresh still
 * comes. An answer that failed leaves the earlier one on the screen.
 */
import { type ApiProblem, asProblem } from './api/client';
import type { Instants } from './time';

/** What the model needs from the world around it. */
export interface RangePorts<T> {
  ask: (range: Instants, signal: AbortSignal) => Promise<T>;
  /** `null` when an expression cannot be read. */
  resolve: (from: string, to: string) => Instants | null;
}

export class RangeRun<T> {
  answer = $state.raw<T | null>(null);
  problem = $state.raw<ApiProblem | null>(null);
  isLoading = $state(false);
  /** The range cannot be read. */
  hasBadRange = $state(false);

  readonly #ports: RangePorts<T>;
  #range: { from: string; to: string } | null = null;
  #abort: AbortController | null = null;

  constructor(ports: RangePorts<T>) {
    this.#ports = ports;
  }

  /** Asks for a range; what was asked before is cut off. */
  async start(from: string, to: string): Promise<void> {
    this.stop();
    this.#range = { from, to };
    const range = this.#ports.resolve(from, to);
    this.hasBadRange = range === null;
    if (range === null) {
      this.answer = null;
      this.problem = null;
      return;
    }
    const abort = new AbortController();
    this.#abort = abort;
    this.isLoading = true;
    try {
      const answer = await this.#ports.ask(range, abort.signal);
      if (abort !== this.#abort) return;
      this.answer = answer;
      this.problem = null;
    } catch (error) {
      if (abort === this.#abort) this.problem = asProblem(error);
    }
    if (abort === this.#abort) this.isLoading = false;
  }

  /** Asks the same again, unless that is still being answered. */
  async refresh(): Promise<void> {
    if (this.#range !== null && !this.isLoading) await this.start(this.#range.from, this.#range.to);
  }

  /** Leaves the page: nothing may answer any more. */
  stop(): void {
    const abort = this.#abort;
    this.#abort = null;
    this.isLoading = false;
    abort?.abort();
  }
}
