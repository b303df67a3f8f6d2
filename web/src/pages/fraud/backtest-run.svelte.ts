/** One backtest: started, followed until it ends, cancelled. A new one takes the place of the one before. */
import { type ApiProblem, asProblem } from '../../api/client';
import type { Backtest, BacktestRequest } from './contract';

/** How often a running backtest is asked how far it is. */
export const POLL_MS = 500;

export interface BacktestPorts {
  start: (request: BacktestRequest) => Promise<Backtest>;
  read: (id: string) => Promise<Backtest>;
  cancel: (id: string) => Promise<Backtest>;
  wait: (ms: number) => Promise<void>;
}

export class BacktestRun {
  backtest = $state.raw<Backtest | null>(null);
  problem = $state.raw<ApiProblem | null>(null);
  /** What was asked. */
  request = $state.raw<BacktestRequest | null>(null);
  isStarting = $state(false);

  readonly #ports: BacktestPorts;
  /** Answers for another turn come too late. */
  #turn = 0;

  constructor(ports: BacktestPorts) {
    this.#ports = ports;
  }

  get isRunning(): boolean {
    return this.isStarting || this.backtest?.state === 'running';
  }

  async start(request: BacktestRequest): Promise<void> {
    const turn = this.#nextTurn();
    this.request = request;
    this.backtest = null;
    this.isStarting = true;
    await this.#attempt(turn, () => this.#ports.start(request));
    this.isStarting = false;
    await this.#follow(turn);
  }

  /** Asks on after a question that failed. */
  async resume(): Promise<void> {
    if (this.backtest === null) {
      if (this.request !== null) await this.start(this.request);
      return;
    }
    const turn = this.#nextTurn();
    const { id } = this.backtest;
    await this.#attempt(turn, () => this.#ports.read(id));
    await this.#follow(turn);
  }

  async cancel(): Promise<void> {
    const running = this.backtest;
    if (running?.state !== 'running') return;
    await this.#attempt(this.#nextTurn(), () => this.#ports.cancel(running.id));
  }

  /** Leaves the page: what runs is of no more use. */
  stop(): void {
    const running = this.backtest;
    this.#nextTurn();
    if (running?.state === 'running') void this.#ports.cancel(running.id).catch(() => undefined);
  }

  #nextTurn(): number {
    this.problem = null;
    this.#turn += 1;
    return this.#turn;
  }

  async #follow(turn: number): Promise<void> {
    while (turn === this.#turn && this.problem === null && this.backtest?.state === 'running') {
      const { id } = this.backtest;
      await this.#ports.wait(POLL_MS);
      if (turn === this.#turn) await this.#attempt(turn, () => this.#ports.read(id));
    }
  }

  async #attempt(turn: number, work: () => Promise<Backtest>): Promise<void> {
    try {
      const answer = await work();
      if (turn === this.#turn) this.backtest = answer;
    } catch (error) {
      if (turn === this.#turn) this.problem = asProblem(error);
    }
  }
}
