/**
 * The server's answers that Explore asks for, each with what "Inspect" tells of it. No state.
 *
 * Every call takes a signal; a call that is cut off rejects with an abort, never with a `Problem`.
 */
import type { Histogram, ValidateAnswer } from '../../api/types';
import type { RequestRecord } from './inspect';
import { unitSpan } from './spans';
import type { ContextAnswer, FacetsAnswer, FieldInfo, FieldStats, FieldValues, Hit, QueryProblem, SearchAnswer, SearchContent, SortOrder, Suggestion } from './types';

export interface SearchPage {
  query: string;
  from: string;
  to: string;
  sort: SortOrder;
  size: number;
  cursor: string | null;
  /** What a person typed, when a person asked. */
  remember: SearchContent | null;
}

export interface Range {
  from: string;
  to: string;
}

/** What went wrong, in the server's words where it had any. */
export class Problem extends Error {
  constructor(
    /** 0 when no answer came at all. */
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly request_id: string | null,
    readonly queryProblems: readonly QueryProblem[],
    readonly record: RequestRecord | null = null,
  ) {
    super(detail === '' ? title : detail);
  }
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem(0, '', error instanceof Error ? error.message : String(error), null, []);
}

export interface Answered<T> {
  answer: T;
  record: RequestRecord;
}

export interface ExploreApi {
  search(page: SearchPage, signal: AbortSignal): Promise<Answered<SearchAnswer>>;
  histogram(question: { query: string; interval: string } & Range, signal: AbortSignal): Promise<Answered<Histogram>>;
  /** How many events match. */
  count(query: string, range: Range, signal: AbortSignal): Promise<number>;
  /** All that is stored, whenever it happened. */
  storedTotal(signal: AbortSignal): Promise<number>;
  fields(range: Range, signal: AbortSignal): Promise<FieldInfo[]>;
  values(question: { field: string; query: string; limit: number } & Range, signal: AbortSignal): Promise<FieldValues>;
  /** What the events have in each of the fields, all of them counted. */
  facets(question: { fields: readonly string[]; query: string; size: number } & Range, signal: AbortSignal): Promise<FacetsAnswer>;
  fieldStats(question: { field: string; query: string; size: number } & Range, signal: AbortSignal): Promise<FieldStats>;
  complete(question: { q: string; field: string | null } & Range, signal: AbortSignal): Promise<Suggestion[]>;
  validate(query: string, signal: AbortSignal): Promise<QueryProblem[]>;
  event(id: string, signal: AbortSignal): Promise<Hit>;
  context(id: string, size: number, signal: AbortSignal): Promise<ContextAnswer>;
}

/** Sends one request with the session's credentials. */
export type Send = (path: string, init: RequestInit) => Promise<Response>;

interface ProblemBody {
  title?: unknown;
  detail?: unknown;
  request_id?: unknown;
  errors?: unknown;
}

/** The errors that speak of the query, their spans counted in the units of the text that was sent. */
function queryProblems(errors: unknown, query: string): QueryProblem[] {
  if (!Array.isArray(errors)) return [];
  return errors
    .filter((error: { field?: unknown }) => error.field === undefined || error.field === null || error.field === 'query')
    .map((error: { message?: unknown; span?: unknown }) => ({
      message: String(error.message ?? ''),
      span: Array.isArray(error.span) && error.span.length === 2 ? unitSpan(query, [Number(error.span[0]), Number(error.span[1])]) : null,
    }));
}

/** The query within a request, whichever way it was sent. */
function sentQuery({ path, body }: RequestRecord): string {
  const sent = body as { query?: unknown } | null;
  if (typeof sent?.query === 'string') return sent.query;
  return new URLSearchParams(path.split('?')[1] ?? '').get('query') ?? '';
}

async function problemFrom(response: Response, record: RequestRecord): Promise<Problem> {
  const body = (await response.json().catch(() => ({}))) as ProblemBody;
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const request_id = text(body.request_id) || response.headers.get('X-Request-Id');
  const failed = { ...record, error: text(body.detail) || text(body.title) || response.statusText };
  return new Problem(response.status, text(body.title) || response.statusText, text(body.detail), request_id, queryProblems(body.errors, sentQuery(record)), failed);
}

interface Call {
  name: RequestRecord['name'];
  method: RequestRecord['method'];
  path: string;
  body?: unknown;
}

/** The API over `send`; `now` gives the wall clock in ms for the records of requests. */
export function exploreApi(send: Send, now_ms: () => number): ExploreApi {
  async function call<T>({ name, method, path, body }: Call, signal: AbortSignal): Promise<Answered<T>> {
    const started_ms = now_ms();
    const record: RequestRecord = {
      name,
      method,
      path,
      body: body ?? null,
      started_at: new Date(started_ms).toISOString(),
      elapsed_ms: null,
      status: null,
      request_id: null,
      server_timing: null,
      summary: null,
      error: null,
    };
    const init: RequestInit = { method, signal, headers: { Accept: 'application/json' } };
    if (body !== undefined) {
      init.headers = { ...init.headers, 'Content-Type': 'application/json' };
      init.body = JSON.stringify(body);
    }
    let response: Response;
    try {
      response = await send(path, init);
    } catch (error) {
      if (isAbort(error)) throw error;
      const message = error instanceof Error ? error.message : String(error);
      throw new Problem(0, '', message, null, [], { ...record, elapsed_ms: now_ms() - started_ms, error: message });
    }
    const answered: RequestRecord = {
      ...record,
      status: response.status,
      request_id: response.headers.get('X-Request-Id'),
      server_timing: response.headers.get('Server-Timing'),
    };
    if (!response.ok) throw await problemFrom(response, { ...answered, elapsed_ms: now_ms() - started_ms });
    const answer = (await response.json()) as T;
    return { answer, record: { ...answered, elapsed_ms: now_ms() - started_ms, summary: summaryOf(answer) } };
  }

  const get = async <T>(path: string, signal: AbortSignal): Promise<T> =>
    (await call<T>({ name: 'search', method: 'GET', path }, signal)).answer;

  return {
    search: ({ query, from, to, sort, size, cursor, remember }, signal) => {
      const body = { query, date_from: from, date_to: to, size, sort, cursor, highlight: true, ...(remember === null ? {} : { remember }) };
      return call({ name: 'search', method: 'POST', path: '/api/logs/search', body }, signal);
    },
    histogram: (question, signal) =>
      call({ name: 'histogram', method: 'GET', path: `/api/analytics/logs-per-hour?${new URLSearchParams({ ...question })}` }, signal),
    count: async (query, { from, to }, signal) =>
      (await call<SearchAnswer>({ name: 'search', method: 'POST', path: '/api/logs/search', body: { query, date_from: from, date_to: to, size: 1 } }, signal)).answer.total,
    storedTotal: async (signal) => (await get<{ total_logs: number }>('/api/logs/stats', signal)).total_logs,
    fields: async (range, signal) => (await get<{ fields: FieldInfo[] }>(`/api/search/fields?${new URLSearchParams({ ...range })}`, signal)).fields,
    values: ({ limit, ...question }, signal) =>
      get(`/api/search/values?${new URLSearchParams({ ...question, limit: String(limit) })}`, signal),
    facets: ({ fields, size, ...question }, signal) =>
      get(`/api/search/facets?${new URLSearchParams({ fields: fields.join(','), ...question, size: String(size) })}`, signal),
    fieldStats: ({ field, size, ...question }, signal) =>
      get(`/api/search/fields/${encodeURIComponent(field)}/stats?${new URLSearchParams({ ...question, size: String(size) })}`, signal),
    complete: async ({ q, field, from, to }, signal) => {
      const params = new URLSearchParams({ q, from, to });
      if (field !== null) params.set('field', field);
      return (await get<{ suggestions: Suggestion[] }>(`/api/search/autocomplete?${params}`, signal)).suggestions;
    },
    validate: async (query, signal) => {
      const path = '/api/search/validate';
      const { answer } = await call<ValidateAnswer>({ name: 'search', method: 'POST', path, body: { query } }, signal);
      return answer.valid ? [] : queryProblems(answer.errors, query);
    },
    event: (id, signal) => get(`/api/logs/${encodeURIComponent(id)}`, signal),
    context: (id, size, signal) => get(`/api/logs/${encodeURIComponent(id)}/context?before=${size}&after=${size}`, signal),
  };
}

/** The numbers of an answer, its lists only counted. */
function summaryOf(answer: unknown): Record<string, unknown> {
  if (typeof answer !== 'object' || answer === null) return {};
  return Object.fromEntries(
    Object.entries(answer).map(([name, value]) => [name, Array.isArray(value) ? `[${value.length}]` : (value as unknown)]),
  );
}
