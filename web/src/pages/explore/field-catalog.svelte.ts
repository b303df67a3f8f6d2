/**
 * The fields there are, and the most frequent values of those that are unfolded.
 *
 * The catalogue is asked again only when the range is another; values are asked per question and kept until the
 * question changes.
 */
import type { ExploreApi, Problem } from './explore-api';
import { isAbort, problemOf } from './explore-api';
import { aliasesOf, canonicalNames } from './fields';
import type { ResolvedRange } from './share';
import type { FieldInfo, FieldValues } from './types';

export class FieldCatalog {
  all = $state.raw<readonly FieldInfo[]>([]);
  problem = $state.raw<Problem | null>(null);
  isLoaded = $state(false);
  readonly aliases = $derived(aliasesOf(this.all));
  readonly canonical = $derived(canonicalNames(this.all));
  readonly byName = $derived(new Map(this.all.map((field) => [field.name, field])));
  readonly #api: ExploreApi;
  #abort: AbortController | null = null;

  constructor(api: ExploreApi) {
    this.#api = api;
  }

  /** The field's kind, under any of its names. */
  kindOf(name: string): string | undefined {
    return (this.byName.get(name) ?? this.byName.get(this.canonical.get(name) ?? ''))?.kind;
  }

  /** The name that queries and columns use. */
  canonicalName(name: string): string {
    return this.canonical.get(name) ?? name;
  }

  async load(range: ResolvedRange): Promise<void> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    try {
      const fields = await this.#api.fields(range, abort.signal);
      if (abort !== this.#abort) return;
      this.all = [...new Map(fields.map((field) => [field.name, field])).values()];
      this.problem = null;
      this.isLoaded = true;
    } catch (error) {
      if (abort === this.#abort && !isAbort(error)) this.problem = problemOf(error);
    }
  }

  values(field: string, query: string, range: ResolvedRange, signal: AbortSignal): Promise<FieldValues> {
    return this.#api.values({ field, query, ...range, limit: 10 }, signal);
  }

  stop(): void {
    const abort = this.#abort;
    this.#abort = null;
    abort?.abort();
  }
}
