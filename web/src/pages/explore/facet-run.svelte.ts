/**
 * What the events found have in their fields: asked for as many fields at once as the server answers, only for those in
 * sight, and kept until the question is another.
 *
 * A new question keeps the old numbers, marked stale, until its own first ones are there.
 */
import type { ExploreApi, Problem, Range } from './explore-api';
import { isAbort, problemOf } from './explore-api';
import type { Facet } from './types';

/** Fields of one request. */
export const BATCH_SIZE = 20;
/** Values of a field in the list. */
export const LISTED_VALUES = 3;

export interface FacetQuestion extends Range {
  query: string;
}

export class FacetRun {
  facets = $state.raw<ReadonlyMap<string, Facet>>(new Map());
  /** Every one of them was counted. */
  total = $state<number | null>(null);
  isLoading = $state(false);
  /** The numbers belong to an earlier question. */
  isStale = $state(false);
  problem = $state.raw<Problem | null>(null);
  readonly #api: ExploreApi;
  #question: FacetQuestion | null = null;
  #asked = new Set<string>();
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
    this.isStale = this.facets.size > 0;
    this.problem = null;
    this.isLoading = false;
  }

  /** Asks for those that were not asked for yet; batches run one after another. */
  async ask(fields: readonly string[]): Promise<void> {
    const question = this.#question;
    const wanted = fields.filter((field) => !this.#asked.has(field));
    if (question === null || wanted.length === 0) return;
    const abort = this.#abort;
    for (const field of wanted) this.#asked.add(field);
    this.isLoading = true;
    this.problem = null;
    for (let at = 0; at < wanted.length; at += BATCH_SIZE) {
      const batch = wanted.slice(at, at + BATCH_SIZE);
      try {
        const answer = await this.#api.facets({ fields: batch, ...question, size: LISTED_VALUES }, abort.signal);
        if (abort !== this.#abort) return;
        this.#take(answer.fields, answer.total);
      } catch (error) {
        if (abort !== this.#abort) return;
        // They may be asked for again, and so may those behind them.
        for (const field of wanted.slice(at)) this.#asked.delete(field);
        if (!isAbort(error)) this.problem = problemOf(error);
        break;
      }
    }
    this.isLoading = false;
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
