/**
 * Live mode: events as they are stored, on top of the rows of the table.
 *
 * While somebody reads (or paused it) new rows wait, and are shown together later. The rows kept and those that wait are
 * bounded. A connection that ends comes back by itself, later each time; what the server refused does not.
 */
import type { SearchRun } from './search-run.svelte';
import type { Hit } from './types';

/** Rows kept in live mode; the oldest go. */
export const LIVE_ROWS_MAX = 1_000;
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 30_000;

export type LiveStatus = 'off' | 'connecting' | 'live' | 'reconnecting' | 'refused';

/** The server's numbers since it was asked. */
export interface LiveStats {
  matched: number;
  sent: number;
  sampled_out: number;
  dropped: number;
  /** Of how many one is shown now; null while all are. */
  sampled_one_of: number | null;
}

export const NO_STATS: LiveStats = { matched: 0, sent: 0, sampled_out: 0, dropped: 0, sampled_one_of: null };

/** What is used of a WebSocket. */
export interface LiveSocket {
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  close: () => void;
}

export interface LivePorts {
  open: (query: string) => LiveSocket;
  /** Renews the session when it has ended; false when nobody is logged in any more. */
  renew: () => Promise<boolean>;
  /** Whether somebody looks at rows that must not move. */
  isReading: () => boolean;
  /** Calls later; the answer takes it back. */
  later: (act: () => void, ms: number) => () => void;
}

type Message =
  | { type: 'hello' }
  | { type: 'events'; hits: Hit[] }
  | ({ type: 'stats' } & LiveStats)
  | { type: 'error'; problem: { status: number; detail: string } };

export class LiveRun {
  status = $state<LiveStatus>('off');
  isPaused = $state(false);
  /** Rows that came and are not shown yet, oldest first. */
  waiting = $state.raw<readonly Hit[]>([]);
  stats = $state.raw<LiveStats>(NO_STATS);
  problem = $state<string | null>(null);

  readonly #search: SearchRun;
  readonly #ports: LivePorts;
  #socket: LiveSocket | null = null;
  #query = '';
  #retry_ms = RETRY_MS_MIN;
  #unschedule: (() => void) | null = null;

  constructor(search: SearchRun, ports: LivePorts) {
    this.#search = search;
    this.#ports = ports;
  }

  /** Shows what matches from now on. */
  start(query: string): void {
    this.#disconnect();
    this.#query = query;
    this.#retry_ms = RETRY_MS_MIN;
    this.isPaused = false;
    this.waiting = [];
    this.#search.showLive([]);
    this.#connect('connecting');
  }

  /** The rows stay as they are. */
  stop(): void {
    this.#disconnect();
    this.status = 'off';
    this.waiting = [];
  }

  /** A tab that nobody sees needs no connection; its rows are still there when it is looked at again. */
  hide(isHidden: boolean): void {
    if (this.status === 'off' || this.status === 'refused') return;
    this.#disconnect();
    this.status = 'reconnecting';
    if (!isHidden) this.#connect('reconnecting');
  }

  pause(isPaused: boolean): void {
    this.isPaused = isPaused;
    if (!isPaused) this.showWaiting();
  }

  /** Shows the rows that wait. */
  showWaiting(): void {
    if (this.waiting.length === 0) return;
    this.#show(this.waiting);
    this.waiting = [];
  }

  #show(hits: readonly Hit[]): void {
    this.#search.showLive([...hits].reverse().concat(this.#search.rows).slice(0, LIVE_ROWS_MAX));
  }

  #connect(status: LiveStatus): void {
    this.status = status;
    this.problem = null;
    this.stats = NO_STATS;
    const socket = this.#ports.open(this.#query);
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(String(data)) as Message);
    socket.onclose = () => this.#lost();
  }

  #disconnect(): void {
    this.#unschedule?.();
    this.#unschedule = null;
    if (this.#socket === null) return;
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }

  #hear(message: Message): void {
    if (message.type === 'hello') {
      this.status = 'live';
      this.#retry_ms = RETRY_MS_MIN;
    } else if (message.type === 'events') {
      if (this.isPaused || this.#ports.isReading()) this.waiting = this.waiting.concat(message.hits).slice(-LIVE_ROWS_MAX);
      else {
        this.#show(this.waiting.concat(message.hits));
        this.waiting = [];
      }
    } else if (message.type === 'stats') {
      this.stats = message;
    } else {
      this.#disconnect();
      this.status = 'refused';
      this.problem = message.problem.detail;
    }
  }

  /** Asks who is logged in before it comes back: the session may be what ended. */
  #lost(): void {
    this.#socket = null;
    this.status = 'reconnecting';
    const wait_ms = this.#retry_ms;
    this.#retry_ms = Math.min(RETRY_MS_MAX, this.#retry_ms * 2);
    this.#unschedule = this.#ports.later(() => void this.#comeBack(), wait_ms);
  }

  async #comeBack(): Promise<void> {
    const query = this.#query;
    const isLoggedIn = await this.#ports.renew();
    // Meanwhile it may have been stopped, hidden or asked anew.
    if (this.status !== 'reconnecting' || this.#socket !== null || query !== this.#query) return;
    if (isLoggedIn) this.#connect('reconnecting');
    else this.#lost();
  }
}
