/** The models that there are, and what people do with them. */
import { type ApiProblem, asProblem } from '../../api/client';
import type { Model, ModelRole, Models } from './contract';

export interface ModelPorts {
  list: () => Promise<Models>;
  setRole: (version: number, role: ModelRole) => Promise<Model>;
  remove: (version: number) => Promise<Model>;
}

export class ModelList {
  /** The newest first; null until the first answer. */
  models = $state.raw<Model[] | null>(null);
  problem = $state.raw<ApiProblem | null>(null);
  /** Why the last change was refused. */
  refusal = $state.raw<ApiProblem | null>(null);
  isBusy = $state(false);

  readonly #ports: ModelPorts;
  /** Answers for another turn come too late. */
  #turn = 0;

  constructor(ports: ModelPorts) {
    this.#ports = ports;
  }

  /** An answer that failed leaves the earlier one. */
  async load(): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    try {
      const { models } = await this.#ports.list();
      if (turn !== this.#turn) return;
      this.models = models;
      this.problem = null;
    } catch (error) {
      if (turn === this.#turn) this.problem = asProblem(error);
    }
  }

  /** Whether it was done. The model that had the role before is idle then. */
  setRole(version: number, role: ModelRole): Promise<boolean> {
    return this.#change(() => this.#ports.setRole(version, role));
  }

  /** Whether it was done. */
  remove(version: number): Promise<boolean> {
    return this.#change(() => this.#ports.remove(version));
  }

  /** Leaves the page. */
  stop(): void {
    this.#turn += 1;
  }

  async #change(work: () => Promise<Model>): Promise<boolean> {
    this.isBusy = true;
    this.refusal = null;
    let refusal: ApiProblem | null = null;
    try {
      await work();
    } catch (error) {
      refusal = asProblem(error);
    }
    // Refused or not: somebody else may have changed the roles.
    await this.load();
    this.refusal = refusal;
    this.isBusy = false;
    return refusal === null;
  }
}
