/**
 * The histogram over the rows: asked on its own, so that its failure never touches the table, nor the table's it.
 */
import type { Histogram } from '../../api/types';
import type { ExploreApi, Problem } from './explore-api';
import { isAbort, problemOf } from './explore-api';
import type { RequestRecord } from './inspect';

export interface HistogramQuestion {
  query: string;
  from: string;
  to: string;
  interval: string;
}

export class HistogramRun {
  answer = $state.raw<Histogram | null>(null);
  status = $state<'idle' | 'loading' | 'done' | 'failed' | 'cancelled'>('idle');
  /** The bars belong to an earlier question. */
  isStale = $state(false);
  problem = $state.raw<Problem | null>(null);
  record = $state.raw<RequestRecord | null>(null);
  readonly #api: ExploreApi;
  #abort: AbortController | null = null;

  constructor(api: ExploreApi) {
    this.#api = api;
  }

  async start(question: HistogramQuestion): Promise<void> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.status = 'loading';
    this.isStale = this.answer !== null;
    this.problem = null;
    try {
      const { answer, record } = await this.#api.histogram(question, abort.signal);
      if (abort !== this.#abort) return;
      this.answer = answer;
      this.record = record;
      this.isStale = false;
      this.status = 'done';
    } catch (error) {
      if (abort !== this.#abort) return;
      if (isAbort(error)) {
        this.status = 'cancelled';
        return;
      }
      this.problem = problemOf(error);
      this.record = this.problem.record ?? this.record;
      this.status = 'failed';
    }
  }

  cancel(): void {
    if (this.status === 'loading') this.#abort?.abort();
  }

  stop(): void {
    const abort = this.#abort;
    this.#abort = null;
    abort?.abort();
  }
}
