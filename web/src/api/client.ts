/**
 * Requests to the server with the session of this browser. The tokens are in cookies that scripts cannot read.
 */

/** What went wrong, in the server's words where it had any; `status` is 0 when no answer came. */
export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly requestId: string | null,
    readonly retryAfterS: number | null,
    /** The fields that the server named. */
    readonly fields: readonly string[] = [],
    /** What it says of each, in their order. */
    readonly fieldMessages: readonly string[] = [],
  ) {
    super(detail);
  }

  /** What the server says of a field; `null` when it says nothing. */
  messageOf(field: string): string | null {
    return this.fieldMessages[this.fields.indexOf(field)] ?? null;
  }
}

/** Called when the session has ended. */
let onSessionEnd: () => void = () => undefined;

export function whenSessionEnds(act: () => void): void {
  onSessionEnd = act;
}

const LOCK = 'vigie-refresh';
let refreshedAt_ms = 0;

/**
 * Gets a new access token. A refresh token works once, so of all tabs one refreshes at a time, and one that waited
 * for another does not refresh again.
 */
async function refresh(): Promise<boolean> {
  const asked_ms = Date.now();
  const exchange = async (): Promise<boolean> => {
    if (refreshedAt_ms > asked_ms) return true;
    const response = await fetch('/api/auth/refresh', {
      method: 'POST',
      headers: { 'X-Vigie-Client': 'web', 'Content-Type': 'application/json' },
      body: '{}',
    });
    if (response.ok) refreshedAt_ms = Date.now();
    return response.ok;
  };
  return 'locks' in navigator ? navigator.locks.request(LOCK, exchange) : exchange();
}

function withHeaders(init: RequestInit): RequestInit {
  const headers = new Headers(init.headers);
  headers.set('X-Vigie-Client', 'web');
  return { ...init, headers, credentials: 'same-origin' };
}

/** A 401 of these speaks of what was sent, not of an access token that has ended. */
const WITHOUT_ACCESS_TOKEN: readonly string[] = ['/api/auth/login', '/api/auth/refresh', '/api/auth/logout'];

/** Sends one request; an access token that has ended is renewed once. */
export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(path, withHeaders(init));
  if (response.status !== 401 || WITHOUT_ACCESS_TOKEN.includes(path)) return response;
  if (await refresh()) return fetch(path, withHeaders(init));
  onSessionEnd();
  return response;
}

export async function problemOf(response: Response): Promise<ApiProblem> {
  const body: unknown = await response.json().catch(() => null);
  const text = (name: string): string | null => {
    const value = typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[name] : null;
    return typeof value === 'string' && value !== '' ? value : null;
  };
  const errors = typeof body === 'object' && body !== null ? (body as { errors?: unknown }).errors : null;
  const wait = Number(response.headers.get('Retry-After'));
  return new ApiProblem(
    response.status,
    text('detail') ?? text('title') ?? response.statusText,
    text('request_id') ?? response.headers.get('X-Request-Id'),
    Number.isFinite(wait) && wait > 0 ? wait : null,
    Array.isArray(errors) ? errors.map((error: { field?: unknown }) => String(error.field ?? '')) : [],
    Array.isArray(errors) ? errors.map((error: { message?: unknown }) => String(error.message ?? '')) : [],
  );
}

export function asProblem(error: unknown): ApiProblem {
  return error instanceof ApiProblem ? error : new ApiProblem(0, error instanceof Error ? error.message : String(error), null, null);
}

async function answer<T>(path: string, init: RequestInit): Promise<T> {
  const response = await send(path, init);
  if (!response.ok) throw await problemOf(response);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export const get = <T>(path: string, signal?: AbortSignal): Promise<T> =>
  answer<T>(path, signal === undefined ? {} : { signal });

const withBody = <T>(method: 'POST' | 'PUT', path: string, body: unknown): Promise<T> =>
  answer<T>(path, { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

export const post = <T>(path: string, body: unknown): Promise<T> => withBody<T>('POST', path, body);

/** Sends a file of JSON as it is. */
export const postFile = <T>(path: string, file: Blob): Promise<T> =>
  answer<T>(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: file });

export const put = <T>(path: string, body: unknown): Promise<T> => withBody<T>('PUT', path, body);

export const del = <T>(path: string): Promise<T> => answer<T>(path, { method: 'DELETE' });
