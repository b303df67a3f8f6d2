/**
 * One file on its way: looked at, then sent, then followed until the server has read it.
 *
 * Another file ends whatever the one before was doing. Leaving the page ends the looking and the following, but not
 * the sending: what was told to be stored is stored.
 */
import { type ApiProblem, asProblem } from '../../api/client';
import type { Preview, Upload } from '../../api/types';
import type { UploadOptions } from './upload-file';

/** What the model needs from the world around it. */
export interface UploadPorts {
  preview: (file: File, options: UploadOptions, signal: AbortSignal, onwhole: () => void) => Promise<Preview>;
  sendFile: (file: File, options: UploadOptions, signal: AbortSignal, onprogress: (share: number) => void) => Promise<Upload>;
  untilDone: (upload: Upload, signal: AbortSignal, onchange: (upload: Upload) => void) => Promise<Upload>;
  /** The list of uploads has changed. */
  onstored: () => void;
}

const FRESH: UploadOptions = { log_type: '', time_field: '', map: '', any_time: false, again: false };

export class UploadRun {
  file = $state.raw<File | null>(null);
  options = $state<UploadOptions>({ ...FRESH });
  preview = $state.raw<Preview | null>(null);
  /** All of the file is being sent for its preview, which may take a while. */
  isSentForPreview = $state(false);
  problem = $state.raw<ApiProblem | null>(null);
  /** The share that has left this browser, while it is being sent. */
  share = $state<number | null>(null);
  /** The record of the upload while the server reads it. */
  running = $state.raw<Upload | null>(null);
  result = $state.raw<Upload | null>(null);
  readonly isBusy = $derived(this.share !== null || this.running !== null);

  readonly #ports: UploadPorts;
  #fileAbort = new AbortController();
  #lookAbort = new AbortController();
  #again: () => Promise<void> = () => Promise.resolve();
  readonly #pageAbort = new AbortController();

  constructor(ports: UploadPorts) {
    this.#ports = ports;
  }

  /** Takes another file, or none; the one before is let go. */
  choose(file: File | null): void {
    this.#fileAbort.abort();
    this.#fileAbort = new AbortController();
    this.#endLook();
    [this.preview, this.problem, this.share, this.running, this.result] = [null, null, null, null, null];
    this.file = file;
    this.options = { ...FRESH };
    void this.look();
  }

  /** Asks what the file would become with the options as they are; an answer to earlier options comes too late. */
  async look(): Promise<void> {
    if (this.file === null) return;
    this.#endLook();
    this.#lookAbort = new AbortController();
    const signal = AbortSignal.any([this.#fileAbort.signal, this.#lookAbort.signal]);
    try {
      const answer = await this.#ports.preview(this.file, { ...this.options }, signal, () => (this.isSentForPreview = !signal.aborted));
      if (!signal.aborted) [this.preview, this.problem] = [answer, null];
    } catch (error) {
      if (!signal.aborted) this.#fail(error, () => this.look());
    }
    if (!signal.aborted) this.isSentForPreview = false;
  }

  async store(again: boolean): Promise<void> {
    if (this.file === null) return;
    this.#endLook();
    const { signal } = this.#fileAbort;
    [this.problem, this.result, this.share] = [null, null, 0];
    try {
      const sent = await this.#ports.sendFile(this.file, { ...this.options, again }, signal, (share) => (this.share = share));
      if (signal.aborted) return;
      this.share = null;
      const watching = AbortSignal.any([signal, this.#pageAbort.signal]);
      this.result = await this.#ports.untilDone(sent, watching, (upload) => (this.running = upload));
    } catch (error) {
      if (signal.aborted || this.#pageAbort.signal.aborted) return;
      this.#fail(error, () => this.store(again));
    }
    [this.share, this.running] = [null, null];
    this.#ports.onstored();
  }

  /** Tries what failed once more. */
  async retry(): Promise<void> {
    await this.#again();
  }

  #endLook(): void {
    this.#lookAbort.abort();
    this.isSentForPreview = false;
  }

  #fail(error: unknown, again: () => Promise<void>): void {
    this.problem = asProblem(error);
    this.#again = again;
  }

  /** Leaves the page. */
  stop(): void {
    this.#pageAbort.abort();
    if (this.share === null) this.#fileAbort.abort();
  }
}
