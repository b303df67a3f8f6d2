/**
 * An export under way: bytes go from the server to a file as they come, are counted, and may be cut off.
 *
 * Where the browser can write to a file that the user chose, nothing is held; elsewhere the browser keeps the parts, on disk when they are many.
 */
import { type ApiProblem, asProblem, problemOf, send } from '../../api/client';

export const FORMATS = ['csv', 'ndjson', 'parquet'] as const;
export type ExportFormat = (typeof FORMATS)[number];

/** Where the bytes go. */
export interface Sink {
  write: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>;
  /** The file is whole. */
  close: () => Promise<void>;
  /** What was written is thrown away. */
  abort: () => Promise<void>;
}

/** What the model needs from the world around it. */
export interface ExportPorts {
  ask: (path: string, signal: AbortSignal) => Promise<Response>;
  /** `null` when the user did not choose a file after all. */
  sink: (filename: string) => Promise<Sink | null>;
}

export interface ExportQuestion {
  format: ExportFormat;
  query: string;
  from: string;
  to: string;
  sort: 'asc' | 'desc';
  /** Columns; empty means those of the format. */
  fields: string[];
}

export function exportPath({ format, query, from, to, sort, fields }: ExportQuestion): string {
  const params = new URLSearchParams({ format, query, from, to, sort });
  if (fields.length > 0 && format !== 'ndjson') params.set('fields', fields.join(','));
  return `/api/logs/export?${params}`;
}

/** Counts events by the ends of their lines; within the quotes of a cell a line goes on. */
export class LineCounter {
  lines = 0;
  #isQuoted = false;
  readonly #hasQuotes: boolean;

  constructor(format: ExportFormat) {
    this.#hasQuotes = format === 'csv';
  }

  add(bytes: Uint8Array): void {
    const NEWLINE = 10;
    const QUOTE = 34;
    for (const byte of bytes) {
      if (byte === QUOTE && this.#hasQuotes) this.#isQuoted = !this.#isQuoted;
      else if (byte === NEWLINE && !this.#isQuoted) this.lines += 1;
    }
  }
}

export class ExportRun {
  status = $state<'idle' | 'running' | 'done' | 'failed' | 'stopped'>('idle');
  /** Bytes that came. */
  bytes = $state(0);
  /** Events that came; of Parquet they cannot be counted. */
  rows = $state(0);
  /** Events that there were when it began; `null` until it is known. */
  total = $state<number | null>(null);
  problem = $state.raw<ApiProblem | null>(null);

  readonly #ports: ExportPorts;
  #abort: AbortController | null = null;

  constructor(ports: ExportPorts) {
    this.#ports = ports;
  }

  async start(question: ExportQuestion, filename: string): Promise<void> {
    this.stop();
    const abort = new AbortController();
    this.#abort = abort;
    let sink: Sink | null = null;
    try {
      sink = await this.#ports.sink(filename);
      if (sink === null || abort.signal.aborted) return void (await sink?.abort());
      Object.assign(this, { status: 'running', bytes: 0, rows: 0, total: null, problem: null });
      await this.#receive(question, sink, abort.signal);
      this.status = 'done';
    } catch (error) {
      await sink?.abort();
      if (abort.signal.aborted) return;
      this.problem = asProblem(error);
      this.status = 'failed';
    }
  }

  /** Writes what comes until the end; throws when it is cut off, by whomever. */
  async #receive(question: ExportQuestion, sink: Sink, signal: AbortSignal): Promise<void> {
    const response = await this.#ports.ask(exportPath(question), signal);
    if (!response.ok) throw await problemOf(response);
    this.total = Number(response.headers.get('X-Total-Count'));
    const counter = new LineCounter(question.format);
    const head = question.format === 'csv' ? 1 : 0;
    const reader = response.body?.getReader();
    for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader?.read()) {
      await sink.write(part.value);
      signal.throwIfAborted();
      this.bytes += part.value.length;
      if (question.format === 'parquet') continue;
      counter.add(part.value);
      this.rows = Math.max(0, counter.lines - head);
    }
    signal.throwIfAborted();
    await sink.close();
  }

  /** Cuts it off; what came is thrown away. */
  stop(): void {
    const abort = this.#abort;
    this.#abort = null;
    if (this.status === 'running') this.status = 'stopped';
    abort?.abort();
  }
}

interface SavePicker {
  showSaveFilePicker?: (options: { suggestedName: string }) => Promise<{ createWritable: () => Promise<WritableStream & { write: (bytes: Uint8Array<ArrayBuffer>) => Promise<void> }> }>;
}

async function chosenFile(picker: NonNullable<SavePicker['showSaveFilePicker']>, filename: string): Promise<Sink | null> {
  try {
    const file = await picker({ suggestedName: filename });
    const stream = await file.createWritable();
    return { write: (bytes) => stream.write(bytes), close: () => stream.close(), abort: () => stream.abort() };
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return null;
    throw error;
  }
}

/** The browser's own download, once everything is there. */
function download(filename: string): Sink {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const close = (): Promise<void> => {
    const url = URL.createObjectURL(new Blob(parts));
    const link = Object.assign(document.createElement('a'), { href: url, download: filename });
    link.click();
    URL.revokeObjectURL(url);
    return Promise.resolve();
  };
  return { write: (bytes) => Promise.resolve(void parts.push(bytes)), close, abort: () => Promise.resolve(void parts.splice(0)) };
}

/** The browser as the world around. */
export const browserPorts: ExportPorts = {
  ask: (path, signal) => send(path, { signal }),
  sink: async (filename) => {
    const picker = (window as unknown as SavePicker).showSaveFilePicker;
    return picker === undefined ? download(filename) : chosenFile(picker.bind(window), filename);
  },
};
