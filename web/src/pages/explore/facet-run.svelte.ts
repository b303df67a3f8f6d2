/**
 * What the events found have in their fields: asked for as many fields at once as the server answers, only for those in
 * sight, and kept until the question is another.
 *
 * A store may not have the memory for so many at once: then fewer are asked for, down to one, and one that is too large even
 * so is named. A new question keeps the old numbers, marked stale, until its own first ones are there.
 */
import type { ExploreApi, Problem, Range } from './explore-api';
import { problemOf } from './explore-api';
import type { Facet } from './types';

/** Fields of one request. */
export const BATCH_SIZE = 20;
/** The question takes more memory than one may. */
const TOO_LARGE = 413;
/** Others hold the memory. */
const BUSY = 503;
/** Values of a field in the list. */
export const LISTED_VALUES = 3;

export interface FacetQuestion extends Range {
  query: string;
}

export class FacetRun {
  facets = $state.raw<ReadonlyMap<string, Facet>>(new Map());
  /** Fields with too many values to be counted, even alone. */
  tooLarge = $state.raw<ReadonlySet<string>>(new Set());
  /** Every one of them was counted. */
  total = $state<number | null>(null);
  isLoading = $state(false);
  /** The numbers belong to an earlier question. */
  isStale = $state(false);
  problem = $state.raw<Problem | null>(null);
  readonly #api: ExploreApi;
  #question: FacetQuestion | null = null;
  #asked = new Set<string>();
  #waiting: string[] = [];
  #batchSize = BATCH_SIZE;
  #abort = new AbortController();

  constructor(api: ExploreApi) {
    this.#api = api;
  }

  /** The question is now this; what is known of another one counts no more. */
  follow(question: FacetQuestion): void {
    const known = this.#question;
    if (known !== null && known.query === question.query && known.from === question.from && known.to === question.to) return;
    this.#question = question;
    this.#begin();
  }

  #begin(): void {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#asked = new Set();
    this.#waiting = [];
    this.#batchSize = BATCH_SIZE;
    this.tooLarge = new Set();
    this.isStale = this.facets.size > 0;
    this.problem = null;
    this.isLoading = false;
  }

  /** Asks for those that were not asked for yet. One request runs at a time: several at once take each other's memory. */
  async ask(fields: readonly string[]): Promise<void> {
    const wanted = fields.filter((field) => !this.#asked.has(field));
    if (this.#question === null || wanted.length === 0) return;
    for (const field of wanted) this.#asked.add(field);
    this.#waiting.push(...wanted);
    this.problem = null;
    if (this.isLoading) return;
    const abort = this.#abort;
    this.isLoading = true;
    while (abort === this.#abort && this.#waiting.length > 0) await this.#askBatch(this.#question, abort);
    if (abort === this.#abort) this.isLoading = false;
  }

  /** Asks for the first of those that wait. */
  async #askBatch(question: FacetQuestion, abort: AbortController): Promise<void> {
    const batch = this.#waiting.slice(0, this.#batchSize);
    try {
      const answer = await this.#api.facets({ fields: batch, ...question, size: LISTED_VALUES }, abort.signal);
      if (abort !== this.#abort) return;
      this.#take(answer.fields, answer.total);
      this.#waiting.splice(0, batch.length);
      // What took the memory may be behind us.
      this.#batchSize = Math.min(BATCH_SIZE, this.#batchSize * 2);
    } catch (error) {
      if (abort !== this.#abort) return;
      this.#refused(batch, problemOf(error));
    }
  }

  #refused(batch: readonly string[], problem: Problem): void {
    if (batch.length > 1 && (problem.status === TOO_LARGE || problem.status === BUSY)) {
      this.#batchSize = Math.ceil(batch.length / 2);
    } else if (problem.status === TOO_LARGE) {
      this.tooLarge = new Set([...this.tooLarge, ...batch]);
      this.#waiting.splice(0, batch.length);
    } else {
      // They may be asked for again, and so may those behind them.
      for (const field of this.#waiting.splice(0)) this.#asked.delete(field);
      this.problem = problem;
    }
  }

  #take(found: readonly Facet[], total: number): void {
    const facets = new Map(this.isStale ? [] : this.facets);
    for (const facet of found) facets.set(facet.field, facet);
    this.facets = facets;
    this.total = total;
    this.isStale = false;
  }

  /** Leaves the page. */
  stop(): void {
    this.#question = null;
    this.#begin();
  }
}
