/**
 * What Explore has from outside: the server, the address, the clock, and what this browser remembers. Nothing else
 * in this folder reaches for them.
 */
import { send } from '../../api/client';
import { router } from '../../router.svelte';
import { resolve, shifted } from '../../time';
import { zone } from '../../zone.svelte';
import { exploreApi } from './explore-api';
import { searchesApi } from './searches-api';
import { session } from '../../session.svelte';
import type { LiveSocket } from './live-run.svelte';
import type { RecentEntry } from './saved-search';
import type { ExplorePorts, ExploreSession } from './explore-session.svelte';
import type { LinkPlace } from './share';
import type { Column } from './types';

export interface ExploreWorld {
  ports: ExplorePorts;
  /** The address's parameters; reading them follows Back and Forward. */
  params: URLSearchParams;
  /** Empty: the browser's own. */
  zone: string;
  place: LinkPlace;
  origin: string;
  /** Moves the range by its own length. */
  shift: (explore: ExploreSession, step: number) => void;
}

const COLUMNS_KEY = 'vigie.explore.columns';
/** Nobody is offered what another person ran in this browser. */
const recentKey = (): string => `vigie.explore.recent.${session.user?.id ?? ''}`;

/** What was remembered; anything unreadable counts as nothing. */
function recall<T>(storage: Storage, key: string): T | null {
  try {
    const text = storage.getItem(key);
    return text === null ? null : (JSON.parse(text) as T);
  } catch {
    return null;
  }
}

/** A full or forbidden storage only means that nothing is remembered. */
function remember(storage: Storage, key: string, value: unknown): void {
  try {
    storage.setItem(key, JSON.stringify(value));
  } catch {
    return;
  }
}

/** Where the live tail is asked for these events. */
export function tailUrl(origin: string, query: string): string {
  return `${origin.replace(/^http/, 'ws')}/api/logs/tail?query=${encodeURIComponent(query)}`;
}

/** `isReading` says whether somebody looks at rows that must not move. */
export function explorePorts(isReading: () => boolean): ExploreWorld {
  const ports: ExplorePorts = {
    api: exploreApi(send, () => Date.now()),
    navigate: (params, mode) => {
      const query = params.toString();
      router.navigate(`/explore${query === '' ? '' : `?${query}`}`, { replace: mode === 'replace' });
    },
    resolve: (from, to) => resolve(from, to, Date.now(), zone.name),
    now_ms: () => Date.now(),
    zone: () => zone.name,
    recallColumns: () => recall<Column[]>(localStorage, COLUMNS_KEY),
    rememberColumns: (columns) => remember(localStorage, COLUMNS_KEY, columns),
    live: {
      open: (query) => new WebSocket(tailUrl(location.origin, query)) as LiveSocket,
      renew: () => send('/api/auth/me').then((response) => response.ok, () => false),
      isReading,
      later: (act, ms) => {
        const timer = setTimeout(act, ms);
        return () => clearTimeout(timer);
      },
    },
    library: {
      api: searchesApi(),
      mayKeep: () => session.may('analyst'),
      recallRecent: () => recall<RecentEntry[]>(sessionStorage, recentKey()) ?? [],
      rememberRecent: (recent) => remember(sessionStorage, recentKey(), recent),
    },
  };
  return {
    ports,
    get params() {
      return router.params;
    },
    get zone() {
      return zone.name;
    },
    get place() {
      return { base: `${location.origin}/explore`, zone: zone.name };
    },
    origin: location.origin,
    shift: (explore, step) => {
      const moved = shifted(explore.state.from, explore.state.to, step, Date.now(), zone.name);
      if (moved !== null) explore.setRange(moved.from, moved.to);
    },
  };
}
