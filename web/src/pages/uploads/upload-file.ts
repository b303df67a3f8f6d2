/** Sending a file: a preview first, then the whole with progress, then its record until it is done. */
import { ApiProblem, get, problemOf, send } from '../../api/client';
import type { Preview, Upload } from '../../api/types';

/** Bytes at the beginning of a file that a preview needs. */
const PREVIEW_BYTES = 1_000_000;
/** Time between two looks at a running upload. */
const POLL_MS = 1_000;

export interface UploadOptions {
  log_type: string;
  time_field: string;
  map: string;
  any_time: boolean;
  again: boolean;
}

export function parameters(options: UploadOptions): URLSearchParams {
  const params = new URLSearchParams();
  if (options.log_type !== '') params.set('log_type', options.log_type);
  if (options.time_field.trim() !== '') params.set('time_field', options.time_field.trim());
  if (options.map.trim() !== '') params.set('map', options.map.trim());
  if (options.any_time) params.set('any_time', 'true');
  if (options.again) params.set('again', 'true');
  return params;
}

function form(blob: Blob, name: string): FormData {
  const data = new FormData();
  data.append('file', blob, name);
  return data;
}

/** What Parquet files begin with. */
const PARQUET_MAGIC = 'PAR1';

/** Parquet has its schema at its end: of such a file the server needs the whole, of all others the beginning. */
async function needsWhole(file: File): Promise<boolean> {
  return (await file.slice(0, PARQUET_MAGIC.length).text()) === PARQUET_MAGIC;
}

/** Asks what a file would become. `onwhole` is called when all of it must be sent for that. */
export async function preview(file: File, options: UploadOptions, signal: AbortSignal, onwhole: () => void): Promise<Preview> {
  const isWhole = file.size > PREVIEW_BYTES && (await needsWhole(file));
  if (isWhole) onwhole();
  const path = `/api/logs/upload/preview?${parameters(options)}`;
  const response = await send(path, { method: 'POST', body: form(isWhole ? file : file.slice(0, PREVIEW_BYTES), file.name), signal });
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as Preview;
}

/** Sends the file; `onprogress` hears the share that has left this browser. */
export async function sendFile(file: File, options: UploadOptions, signal: AbortSignal, onprogress: (share: number) => void): Promise<Upload> {
  // Renews the session first if need be: a large file should not be refused at its end.
  await get('/api/auth/me', signal);
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open('POST', `/api/logs/upload?${parameters(options)}`);
    request.setRequestHeader('X-Vigie-Client', 'web');
    request.upload.onprogress = (event) => onprogress(event.lengthComputable ? event.loaded / event.total : 0);
    request.onerror = () => fail(new ApiProblem(0, '', null, null));
    request.onabort = () => fail(new DOMException('cancelled', 'AbortError'));
    request.onload = () => {
      if (request.status < 300) return done(JSON.parse(request.responseText) as Upload);
      const headers = new Headers({ 'Retry-After': request.getResponseHeader('Retry-After') ?? '' });
      void problemOf(new Response(request.responseText, { status: request.status, headers })).then(fail);
    };
    signal.addEventListener('abort', () => request.abort());
    request.send(form(file, file.name));
  });
}

/** Waits; a wait that is cut off rejects at once. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((wake, fail) => {
    const stop = (): void => {
      clearTimeout(timer);
      fail(new DOMException('cancelled', 'AbortError'));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      wake();
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

/** Looks at the record until the server has read the whole file. */
export async function untilDone(upload: Upload, signal: AbortSignal, onchange: (upload: Upload) => void): Promise<Upload> {
  let current = upload;
  while (current.state === 'running') {
    onchange(current);
    await pause(POLL_MS, signal);
    current = await get<Upload>(`/api/logs/uploads/${current.file_id}`, signal);
  }
  return current;
}

/** The address in Explore that shows what an upload stored. */
export function exploreLink(upload: Upload): string | null {
  const { first_timestamp: first, last_timestamp: last } = upload;
  if (first === undefined || first === null || last === undefined || last === null) return null;
  const to = new Date(Date.parse(last) + 1).toISOString();
  return `/explore?${new URLSearchParams({ from: new Date(first).toISOString(), to })}`;
}
