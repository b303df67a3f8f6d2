/**
 * One rule in the editor. A save names the version that it was made of; when somebody else was quicker, nothing is lost:
 * theirs is told beside it, and one of both is taken.
 */
import { type ApiProblem, asProblem } from '../../api/client';
import type { FraudRule, FraudRuleVersion } from '../../api/types';
import { type Draft, draftFrom, NEW_DRAFT, requestFrom } from './rule-draft';

export type RuleRequest = ReturnType<typeof requestFrom> & { version: number };

export interface RulePorts {
  put: (name: string, request: RuleRequest) => Promise<FraudRuleVersion>;
  /** The newest first. */
  versions: (name: string) => Promise<FraudRuleVersion[]>;
  remove: (name: string, version: number) => Promise<FraudRuleVersion>;
}

export class RuleEdit {
  draft: Draft = $state({ ...NEW_DRAFT });
  problem = $state.raw<ApiProblem | null>(null);
  /** What somebody else saved meanwhile. */
  theirs = $state.raw<FraudRuleVersion | null>(null);
  isBusy = $state(false);

  readonly isNew: boolean;
  readonly #ports: RulePorts;
  #version: number;

  constructor(rule: FraudRule | null, ports: RulePorts) {
    this.isNew = rule === null;
    this.#version = rule?.version ?? 0;
    this.#ports = ports;
    if (rule !== null) this.draft = draftFrom(rule.name, rule);
  }

  /** The new version; `null` when it was refused. */
  async save(): Promise<FraudRuleVersion | null> {
    const { name } = this.draft;
    return this.#attempt(() => this.#ports.put(name, { ...requestFrom(this.draft), version: this.#version }));
  }

  async remove(): Promise<FraudRuleVersion | null> {
    return this.#attempt(() => this.#ports.remove(this.draft.name, this.#version));
  }

  /** Saves over what somebody else saved. */
  async saveMine(): Promise<FraudRuleVersion | null> {
    this.#version = this.theirs?.version ?? this.#version;
    return this.save();
  }

  /** Goes on with what somebody else saved. */
  takeTheirs(): void {
    const theirs = this.theirs;
    if (theirs === null) return;
    this.draft = draftFrom(this.draft.name, theirs);
    this.#version = theirs.version;
    this.theirs = null;
    this.problem = null;
  }

  async #attempt(work: () => Promise<FraudRuleVersion>): Promise<FraudRuleVersion | null> {
    this.isBusy = true;
    this.problem = null;
    this.theirs = null;
    try {
      const version = await work();
      // What waits for a second person is not what the next change is made of.
      if (!version.is_proposed) this.#version = version.version;
      return version;
    } catch (error) {
      await this.#tell(asProblem(error));
      return null;
    } finally {
      this.isBusy = false;
    }
  }

  /** A conflict is one of versions only when there is another one. */
  async #tell(problem: ApiProblem): Promise<void> {
    const newest = problem.status === 409 ? (await this.#ports.versions(this.draft.name).catch(() => []))[0] : undefined;
    if (newest !== undefined && newest.version !== this.#version) this.theirs = newest;
    else this.problem = problem;
  }
}
