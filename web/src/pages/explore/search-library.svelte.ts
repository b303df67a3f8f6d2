/**
 * The searches that are kept: the saved ones that the person sees, and those they ran.
 *
 * Whoever may not keep searches has only what this browser remembers of their own; the server is not asked.
 */
import { ApiProblem, asProblem } from '../../api/client';
import { contentOf, mergedRecent, remembered, type RecentEntry } from './saved-search';
import type { SearchDraft, SearchesApi } from './searches-api';
import type { ExploreState, SavedSearch, SearchContent } from './types';

export interface LibraryPorts {
  api: SearchesApi;
  /** Whether the person may keep searches. */
  mayKeep: () => boolean;
  recallRecent: () => readonly RecentEntry[];
  rememberRecent: (recent: readonly RecentEntry[]) => void;
}

export class SearchLibrary {
  saved = $state.raw<readonly SavedSearch[]>([]);
  status = $state<'idle' | 'loading' | 'done' | 'failed'>('idle');
  problem = $state.raw<ApiProblem | null>(null);
  recent = $state.raw<readonly RecentEntry[]>([]);
  /** The saved search that the page was last opened with, or saved as. */
  opened = $state.raw<SavedSearch | null>(null);
  readonly #ports: LibraryPorts;
  #abort = new AbortController();

  constructor(ports: LibraryPorts) {
    this.#ports = ports;
    this.recent = ports.recallRecent();
  }

  get mayKeep(): boolean {
    return this.#ports.mayKeep();
  }

  /** Reads what the server keeps. */
  async load(): Promise<void> {
    if (!this.mayKeep) return;
    await Promise.all([this.loadSaved(), this.#loadRecent()]);
  }

  async loadSaved(): Promise<void> {
    const { signal } = this.#abort;
    this.status = 'loading';
    try {
      this.saved = await this.#ports.api.saved(signal);
      this.problem = null;
      this.status = 'done';
    } catch (error) {
      if (signal.aborted) return;
      this.problem = asProblem(error);
      this.status = 'failed';
    }
  }

  /** That they could not be read only means that the bar offers what this browser remembers. */
  async #loadRecent(): Promise<void> {
    const kept = await this.#ports.api.recent(this.#abort.signal).catch(() => null);
    if (kept !== null) this.#setRecent(mergedRecent(kept, this.recent));
  }

  #setRecent(recent: readonly RecentEntry[]): void {
    this.recent = recent;
    this.#ports.rememberRecent(recent);
  }

  /** A person ran this; what the server is to remember of it, if it may. */
  ran(state: ExploreState): SearchContent | null {
    this.#setRecent(remembered(this.recent, { query: state.q, filters: state.filters }));
    return this.mayKeep ? contentOf(state, null) : null;
  }

  /** Forgets what was run, here and at the server. */
  async forget(): Promise<void> {
    if (this.mayKeep) await this.#ports.api.forget();
    this.#setRecent([]);
  }

  async save(draft: SearchDraft): Promise<SavedSearch> {
    const saved = await this.#ports.api.save(draft);
    this.saved = [saved, ...this.saved];
    this.opened = saved;
    return saved;
  }

  /** Changes a search; when somebody else changed it meanwhile, the list is read again before the refusal is told. */
  async change(search: SavedSearch, draft: SearchDraft): Promise<SavedSearch> {
    try {
      const changed = await this.#ports.api.change(search, draft);
      this.saved = this.saved.map((known) => (known.id === changed.id ? changed : known));
      if (this.opened?.id === changed.id) this.opened = changed;
      return changed;
    } catch (error) {
      if (isChangedMeanwhile(error) || (error instanceof ApiProblem && error.status === 404)) await this.loadSaved();
      throw error;
    }
  }

  async remove(search: SavedSearch): Promise<void> {
    try {
      await this.#ports.api.remove(search.id);
    } catch (error) {
      // Somebody else was quicker: it is gone all the same.
      if (!(error instanceof ApiProblem && error.status === 404)) throw error;
    }
    this.saved = this.saved.filter((known) => known.id !== search.id);
    if (this.opened?.id === search.id) this.opened = null;
  }

  /** Leaves the page. */
  stop(): void {
    this.#abort.abort();
  }
}

/** Whether the change came after somebody else's. */
export function isChangedMeanwhile(error: unknown): boolean {
  return error instanceof ApiProblem && error.status === 409 && error.fields.includes('version');
}

/** Whether the name is that of another search. */
export function isNameTaken(error: unknown): boolean {
  return error instanceof ApiProblem && error.status === 409 && error.fields.includes('name');
}
