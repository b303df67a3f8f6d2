/** One job of the server, such as a backtest: started, followed until it ends, cancelled. A new one takes the place of the one before. */
import { type ApiProblem, asProblem } from '../../api/client';
import type { Job } from './contract';

/** How often a running job is asked how far it is. */
export const POLL_MS = 500;

export interface JobPorts<Q, J extends Job> {
  start: (request: Q) => Promise<J>;
  read: (id: string) => Promise<J>;
  cancel: (id: string) => Promise<J>;
  wait: (ms: number) => Promise<void>;
}

export class JobRun<Q, J extends Job> {
  job = $state.raw<J | null>(null);
  problem = $state.raw<ApiProblem | null>(null);
  /** What was asked. */
  request = $state.raw<Q | null>(null);
  isStarting = $state(false);

  readonly #ports: JobPorts<Q, J>;
  /** Answers for another turn come too late. */
  #turn = 0;

  constructor(ports: JobPorts<Q, J>) {
    this.#ports = ports;
  }

  get isRunning(): boolean {
    return this.isStarting || this.job?.state === 'running';
  }

  async start(request: Q): Promise<void> {
    const turn = this.#nextTurn();
    this.request = request;
    this.job = null;
    this.isStarting = true;
    await this.#attempt(turn, () => this.#ports.start(request));
    this.isStarting = false;
    await this.#follow(turn);
  }

  /** Asks on after a question that failed. */
  async resume(): Promise<void> {
    if (this.job === null) {
      if (this.request !== null) await this.start(this.request);
      return;
    }
    const turn = this.#nextTurn();
    const { id } = this.job;
    await this.#attempt(turn, () => this.#ports.read(id));
    await this.#follow(turn);
  }

  async cancel(): Promise<void> {
    const running = this.job;
    if (running?.state !== 'running') return;
    await this.#attempt(this.#nextTurn(), () => this.#ports.cancel(running.id));
  }

  /** Leaves the page: what runs is of no more use. */
  stop(): void {
    const running = this.job;
    this.#nextTurn();
    if (running?.state === 'running') void this.#ports.cancel(running.id).catch(() => undefined);
  }

  /** Leaves the page: what runs is followed on, what has ended was seen. */
  leave(): void {
    if (this.isRunning) return;
    this.#nextTurn();
    this.job = null;
    this.request = null;
  }

  #nextTurn(): number {
    this.problem = null;
    this.#turn += 1;
    return this.#turn;
  }

  async #follow(turn: number): Promise<void> {
    while (turn === this.#turn && this.problem === null && this.job?.state === 'running') {
      const { id } = this.job;
      await this.#ports.wait(POLL_MS);
      if (turn === this.#turn) await this.#attempt(turn, () => this.#ports.read(id));
    }
  }

  async #attempt(turn: number, work: () => Promise<J>): Promise<void> {
    try {
      const answer = await work();
      if (turn === this.#turn) this.job = answer;
    } catch (error) {
      if (turn === this.#turn) this.problem = asProblem(error);
    }
  }
}
