/**
 * Explore's one model: the state in the address, what runs because of it, and every change a person can make.
 *
 * The address is the only home of the state: an action writes a new address, and `follow` (called when the address
 * changed, by whomever) starts what must be asked again. Relative times become instants once per run, so that
 * table, histogram and field values speak of the same events.
 */
import { columnsToken, STANDARD_COLUMNS, toggledColumn } from './columns';
import type { ExploreApi } from './explore-api';
import { FacetRun } from './facet-run.svelte';
import { FieldCatalog } from './field-catalog.svelte';
import { clicked, distinct, fullQuery, typedOffset } from './filters';
import { HistogramRun } from './histogram-run.svelte';
import { LiveRun, type LivePorts } from './live-run.svelte';
import { stateWith, type RecentEntry } from './saved-search';
import { SearchLibrary, type LibraryPorts } from './search-library.svelte';
import { SearchRun } from './search-run.svelte';
import type { ResolvedRange } from './share';
import type { Column, Density, DetailTab, ExploreState, Filter, QueryProblem, SavedSearch, SearchContent, SortOrder, View } from './types';
import { paramsFromState, searchKey, STANDARD_STATE, stateFromParams } from './url-state';

export type HistoryMode = 'push' | 'replace';

/** What the model needs from the world around it. */
export interface ExplorePorts {
  api: ExploreApi;
  navigate: (params: URLSearchParams, mode: HistoryMode) => void;
  /** `null` when an expression cannot be read. */
  resolve: (from: string, to: string) => ResolvedRange | null;
  now_ms: () => number;
  /** The time zone in force. */
  zone: () => string;
  recallColumns: () => readonly Column[] | null;
  rememberColumns: (columns: readonly Column[]) => void;
  library: LibraryPorts;
  live: LivePorts;
}

export class ExploreSession {
  state = $state.raw<ExploreState>(STANDARD_STATE);
  /** What stands in the query bar; it counts when it is run. */
  draft = $state('');
  /** The instants of the last run. */
  range = $state.raw<ResolvedRange | null>(null);
  /** The range cannot be read. */
  hasBadRange = $state(false);
  /** What validation said of the draft as it stands. */
  draftProblems = $state.raw<readonly QueryProblem[]>([]);
  preferredColumns = $state.raw<readonly Column[]>(STANDARD_COLUMNS);

  readonly columns = $derived(this.state.columns ?? this.preferredColumns);
  readonly query = $derived(fullQuery(this.state.q, this.state.filters));

  readonly search: SearchRun;
  readonly histogram: HistogramRun;
  readonly live: LiveRun;
  readonly fields: FieldCatalog;
  readonly facets: FacetRun;
  readonly library: SearchLibrary;
  readonly api: ExploreApi;
  readonly #ports: ExplorePorts;
  #runKey: string | null = null;
  #interval: string | null = null;
  /** A person asked for the next run, and not a timer. */
  #isByPerson = false;

  constructor(ports: ExplorePorts) {
    this.#ports = ports;
    this.api = ports.api;
    this.search = new SearchRun(ports.api, ports.now_ms);
    this.histogram = new HistogramRun(ports.api);
    this.live = new LiveRun(this.search, ports.live);
    this.fields = new FieldCatalog(ports.api);
    this.facets = new FacetRun(ports.api);
    this.preferredColumns = ports.recallColumns() ?? STANDARD_COLUMNS;
    this.library = new SearchLibrary(ports.library);
  }

  /** The address is now this: takes it over and runs what differs. */
  follow(params: URLSearchParams): void {
    const next = stateFromParams(params);
    const isNewQuery = next.q !== this.state.q || this.#runKey === null;
    this.state = next;
    if (isNewQuery) {
      this.draft = next.q;
      this.draftProblems = [];
    }
    const key = searchKey(next, this.#ports.zone());
    if (key !== this.#runKey) {
      this.#runKey = key;
      this.run();
    } else if (next.interval !== this.#interval) {
      this.#runHistogram();
    }
  }

  /** Asks everything again, with relative times read anew. */
  run(): void {
    const isByPerson = this.#isByPerson;
    this.#isByPerson = false;
    const range = this.#ports.resolve(this.state.from, this.state.to);
    this.hasBadRange = range === null;
    if (range === null) return;
    this.range = range;
    const remember: SearchContent | null = isByPerson ? this.library.ran(this.state) : null;
    void this.fields.load(range);
    if (this.state.live) {
      this.histogram.stop();
      this.live.start(this.query);
      return;
    }
    this.live.stop();
    void this.search.start({ query: this.query, from: range.from, to: range.to, sort: this.state.sort }, remember);
    this.#runHistogram();
  }

  #runHistogram(): void {
    this.#interval = this.state.interval;
    if (this.range === null || this.state.live) return;
    void this.histogram.start({ query: this.query, ...this.range, interval: this.state.interval ?? 'auto' });
  }

  retryHistogram(): void {
    this.#runHistogram();
  }

  /** Runs what stands in the query bar: exactly that text. */
  submit(): void {
    this.#runBy({ ...this.state, q: this.draft, row: this.draft === this.state.q ? this.state.row : null });
  }

  /** Asks for the part of what is shown that a query finds, or for the rest of it, and shows the events. */
  narrow(query: string, negated: boolean): void {
    const clause = negated ? `NOT (${query})` : query;
    const q = this.state.q.trim() === '' ? clause : `(${this.state.q}) AND ${clause}`;
    this.#runBy({ ...this.state, q, view: negated ? this.state.view : 'logs', row: null });
  }

  /** Opens a saved search. */
  openSaved(saved: SavedSearch): void {
    this.library.opened = saved;
    this.#runBy(stateWith(this.state, saved.search));
  }

  /** Runs a recent search again, in the range of now. */
  rerun({ query, filters }: RecentEntry): void {
    this.#runBy({ ...this.state, q: query, filters, row: null });
  }

  /** A person asks for this: it is remembered, and asked anew even when nothing differs. */
  #runBy(next: ExploreState): void {
    this.#isByPerson = true;
    const isSame = searchKey(next, this.#ports.zone()) === this.#runKey;
    this.draft = next.q;
    if (paramsFromState(next).toString() !== paramsFromState(this.state).toString()) this.replaceState(next);
    if (isSame) this.run();
  }

  /** The server's words about the query that ran, moved to where they stand in the typed text. */
  readonly queryProblems = $derived.by((): readonly QueryProblem[] => {
    if (this.draftProblems.length > 0) return this.draftProblems;
    if (this.draft !== this.state.q) return [];
    const offset = typedOffset(this.state.q, this.state.filters);
    return (this.search.problem?.queryProblems ?? []).map(({ message, span }) => ({
      message,
      span: span === null ? null : [Math.max(0, span[0] - offset), Math.max(0, span[1] - offset)],
    }));
  });

  #go(change: Partial<ExploreState>, mode: HistoryMode = 'push'): void {
    this.#ports.navigate(paramsFromState({ ...this.state, ...change }), mode);
  }

  /** The typed text goes along, so that no click loses what is in the bar. */
  #withDraft(): Partial<ExploreState> {
    return this.draftProblems.length === 0 ? { q: this.draft } : {};
  }

  setRange(from: string, to: string): void {
    if (from === this.state.from && to === this.state.to) this.run();
    else this.#go({ from, to, row: null });
  }

  replaceState(state: ExploreState): void {
    this.#go({ ...state });
  }

  /** + or − on a value (`null`: on the field being there). */
  clickFilter(field: string, value: string | null, negated: boolean): void {
    this.setFilters(clicked(this.state.filters, field, value, negated));
  }

  setFilters(filters: readonly Filter[]): void {
    this.#go({ ...this.#withDraft(), filters: distinct(filters) });
  }

  toggleColumn(field: string): void {
    this.setColumns(toggledColumn(this.columns, field));
  }

  /** New columns; a width being dragged replaces the address and makes no entry of its own. */
  setColumns(columns: readonly Column[], mode: HistoryMode = 'push'): void {
    if (columnsToken(columns) === columnsToken(this.columns)) return;
    this.preferredColumns = columns;
    this.#ports.rememberColumns(columns);
    this.#go({ columns }, mode);
  }

  setSort(sort: SortOrder): void {
    this.#go({ sort });
  }

  setDensity(density: Density): void {
    this.#go({ density }, 'replace');
  }

  setInterval(interval: string | null): void {
    this.#go({ interval });
  }

  setRefresh(refresh_s: number): void {
    this.#go({ refresh_s }, 'replace');
  }

  /** New events come by themselves, or no longer. */
  setLive(live: boolean): void {
    if (live !== this.state.live) this.#go({ ...this.#withDraft(), live, view: 'logs', row: null });
  }

  /** Opening makes an entry (Back closes); walking from row to row does not. */
  openRow(row: string | null): void {
    if (row === this.state.row) return;
    this.#go({ row }, this.state.row === null || row === null ? 'push' : 'replace');
  }

  /** Another look at the same events; the open row stays with the rows. */
  setView(view: View): void {
    if (view !== this.state.view) this.#go({ view, row: null });
  }

  setTab(tab: DetailTab): void {
    this.#go({ tab }, 'replace');
  }

  /** Leaves the page. */
  stop(): void {
    this.live.stop();
    this.search.stop();
    this.histogram.stop();
    this.fields.stop();
    this.facets.stop();
    this.library.stop();
  }
}
