/** The server's saved and recent searches. No state. */
import { del, get, post, put } from '../../api/client';
import type { RecentSearch, SavedSearch, SearchContent } from './types';

/** What a saved search is to be. */
export interface SearchDraft {
  name: string;
  shared: boolean;
  search: SearchContent;
}

export interface SearchesApi {
  /** Every saved search that the person sees. */
  saved(signal: AbortSignal): Promise<SavedSearch[]>;
  save(draft: SearchDraft): Promise<SavedSearch>;
  /** Changes the search as far as it still has that version. */
  change(search: Pick<SavedSearch, 'id' | 'version'>, draft: SearchDraft): Promise<SavedSearch>;
  remove(id: string): Promise<void>;
  recent(signal: AbortSignal): Promise<RecentSearch[]>;
  forget(): Promise<void>;
}

const SAVED = '/api/logs/search/saved';
const RECENT = '/api/logs/search/recent';
const PAGE_SIZE = 200;
/** More pages than this are not asked for. */
const PAGES_MAX = 20;

interface SavedPage {
  searches: SavedSearch[];
  next_cursor?: string | null;
}

async function allSaved(signal: AbortSignal): Promise<SavedSearch[]> {
  const found: SavedSearch[] = [];
  let cursor = '';
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const params = new URLSearchParams({ limit: String(PAGE_SIZE), ...(cursor === '' ? {} : { cursor }) });
    const answer = await get<SavedPage>(`${SAVED}?${params}`, signal);
    found.push(...answer.searches);
    cursor = answer.next_cursor ?? '';
    if (cursor === '') break;
  }
  return found;
}

const pathOf = (id: string): string => `${SAVED}/${encodeURIComponent(id)}`;

export function searchesApi(): SearchesApi {
  return {
    saved: allSaved,
    save: (draft) => post('/api/logs/search/save', draft),
    change: ({ id, version }, draft) => put(pathOf(id), { version, ...draft }),
    remove: async (id) => void (await del(pathOf(id))),
    recent: async (signal) => (await get<{ searches: RecentSearch[] }>(RECENT, signal)).searches,
    forget: async () => void (await del(RECENT)),
  };
}
