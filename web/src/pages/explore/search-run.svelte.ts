/**
 * One search on the screen: its rows page by page, its numbers, its state.
 *
 * A new search keeps the old rows (marked stale) until its own first page is there, and keeps them for good when
 * it fails; a cancelled one keeps what came. Answers of an earlier search never reach a later one.
 */
import type { ExploreApi, Problem } from './explore-api';
import { isAbort, problemOf } from './explore-api';
import type { RequestRecord } from './inspect';
import { endsEarly, FIRST_PAGE_SIZE, nextPageSize, ROWS_MAX, scrollRows } from './row-window';
import type { Hit, SearchContent, SortOrder } from './types';

export interface SearchQuestion {
  query: string;
  from: string;
  to: string;
  sort: SortOrder;
}

export type RunStatus = 'idle' | 'loading' | 'done' | 'cancelled' | 'failed';

export class SearchRun {
  rows = $state.raw<readonly Hit[]>([]);
  total = $state(0);
  status = $state<RunStatus>('idle');
  /** A further page is on its way. */
  isPaging = $state(false);
  /** The server has no further page. */
  isComplete = $state(false);
  /** The rows belong to an earlier question. */
  isStale = $state(false);
  problem = $state.raw<Problem | null>(null);
  pageProblem = $state.raw<Problem | null>(null);
  took_ms = $state<number | null>(null);
  rows_scanned = $state<number | null>(null);
  bytes_read = $state<number | null>(null);
  started_at_ms = $state<number | null>(null);
  record = $state.raw<RequestRecord | null>(null);
  /** Counts the answers that replaced the rows: a table scrolls to its top when it changes. */
  generation = $state(0);

  readonly scrollRows = $derived(scrollRows({ loaded_count: this.rows.length, total: this.total, isComplete: this.isComplete }));
  readonly endsEarly = $derived(endsEarly({ loaded_count: this.rows.length, total: this.total, isComplete: this.isComplete }));
  readonly hasRows = $derived(this.rows.length > 0);

  readonly #api: ExploreApi;
  readonly #now_ms: () => number;
  #abort: AbortController | null = null;
  #question: SearchQuestion | null = null;
  #cursor: string | null = null;
  #wanted_index = 0;

  constructor(api: ExploreApi, now_ms: () => number) {
    this.#api = api;
    this.#now_ms = now_ms;
  }

  /** Asks; `remember` is what a person typed, when a person asked. */
  async start(question: SearchQuestion, remember: SearchContent | null = null): Promise<void> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.#question = question;
    this.#cursor = null;
    this.#wanted_index = 0;
    this.status = 'loading';
    this.isPaging = false;
    this.isStale = this.rows.length > 0;
    this.problem = null;
    this.pageProblem = null;
    this.started_at_ms = this.#now_ms();
    try {
      const { answer, record } = await this.#api.search({ ...question, size: FIRST_PAGE_SIZE, cursor: null, remember }, abort.signal);
      if (abort !== this.#abort) return;
      this.record = record;
      this.rows = answer.hits;
      this.total = answer.total;
      this.took_ms = answer.took_ms;
      this.rows_scanned = answer.rows_scanned;
      this.bytes_read = answer.bytes_read;
      this.#cursor = answer.next_cursor ?? null;
      this.isComplete = this.#cursor === null;
      this.isStale = false;
      this.status = 'done';
      this.generation += 1;
    } catch (error) {
      if (abort !== this.#abort) return;
      this.status = isAbort(error) ? 'cancelled' : 'failed';
      if (!isAbort(error)) this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    const problem = problemOf(error);
    this.problem = problem;
    this.record = problem.record ?? this.record;
  }

  /** Shows these rows, which came by themselves, in place of all others. */
  showLive(rows: readonly Hit[]): void {
    this.stop();
    this.rows = rows;
    this.total = rows.length;
    this.status = 'done';
    this.isPaging = false;
    this.isComplete = true;
    this.isStale = false;
    this.problem = null;
    this.pageProblem = null;
    this.took_ms = null;
    this.rows_scanned = null;
    this.generation += 1;
  }

  /** Loads pages, one after another, until the row at `index` and some after it are there. */
  async ensure(index: number): Promise<void> {
    this.#wanted_index = Math.max(this.#wanted_index, index);
    if (this.isPaging || this.status !== 'done' || this.pageProblem !== null) return;
    const abort = this.#abort;
    const question = this.#question;
    if (abort === null || question === null || this.#nextSize() === 0) return;
    this.isPaging = true;
    try {
      await this.#loadPages(question, abort);
    } catch (error) {
      if (abort === this.#abort && !isAbort(error)) this.pageProblem = problemOf(error);
    } finally {
      if (abort === this.#abort) this.isPaging = false;
    }
  }

  #nextSize(): number {
    return nextPageSize({ loaded_count: this.rows.length, total: this.total, isComplete: this.isComplete }, this.#wanted_index);
  }

  async #loadPages(question: SearchQuestion, abort: AbortController): Promise<void> {
    // Bounded: each round loads at least one row or ends, and no more than ROWS_MAX are loaded.
    for (let loaded = this.rows.length; loaded <= ROWS_MAX; loaded = this.rows.length) {
      const size = this.#nextSize();
      if (size === 0 || this.#cursor === null) return;
      const { answer } = await this.#api.search({ ...question, size, cursor: this.#cursor, remember: null }, abort.signal);
      if (abort !== this.#abort) return;
      this.#cursor = answer.next_cursor ?? null;
      this.isComplete = this.#cursor === null || answer.hits.length === 0;
      this.rows = this.rows.concat(answer.hits);
    }
  }

  /** Goes on after a page failed. */
  retryPage(): void {
    this.pageProblem = null;
    void this.ensure(this.#wanted_index);
  }

  /** The person does not want to wait: what has come stays. */
  cancel(): void {
    if (this.status === 'loading') {
      this.#abort?.abort();
      return;
    }
    if (!this.isPaging) return;
    this.#abort?.abort();
    // A new controller, so that scrolling may ask again.
    this.#abort = new AbortController();
    this.#wanted_index = 0;
    this.isPaging = false;
  }

  /** Leaves the page: nothing may answer any more. */
  stop(): void {
    const abort = this.#abort;
    this.#abort = null;
    abort?.abort();
  }
}
