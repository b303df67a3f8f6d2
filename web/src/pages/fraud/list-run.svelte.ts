/** Entries of lists, page by page. A new question cuts off the one before. */
import { type ApiProblem, asProblem } from '../../api/client';
import type { ListEntry, ListPage } from './contract';

const PAGE = '50';

type Ask = (params: URLSearchParams, signal: AbortSignal) => Promise<ListPage>;

export class ListRun {
  /** Null until the first answer. */
  entries = $state.raw<ListEntry[] | null>(null);
  total = $state(0);
  problem = $state.raw<ApiProblem | null>(null);
  isLoading = $state(false);
  cursor = $state.raw<string | null>(null);

  readonly #ask: Ask;
  #params = new URLSearchParams();
  #abort = new AbortController();

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  async start(params: URLSearchParams): Promise<void> {
    this.#params = params;
    await this.#load(null);
  }

  /** Asks the same again. */
  async refresh(): Promise<void> {
    await this.#load(null);
  }

  async more(): Promise<void> {
    if (this.cursor !== null) await this.#load(this.cursor);
  }

  stop(): void {
    this.#abort.abort();
  }

  async #load(after: string | null): Promise<void> {
    this.#abort.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.isLoading = true;
    const params = new URLSearchParams(this.#params);
    params.set('limit', PAGE);
    if (after !== null) params.set('cursor', after);
    try {
      const page = await this.#ask(params, abort.signal);
      if (abort.signal.aborted) return;
      this.entries = after === null ? page.entries : [...(this.entries ?? []), ...page.entries];
      this.total = page.total;
      this.cursor = page.next_cursor ?? null;
      this.problem = null;
    } catch (error) {
      if (!abort.signal.aborted) this.problem = asProblem(error);
    }
    if (!abort.signal.aborted) this.isLoading = false;
  }
}
