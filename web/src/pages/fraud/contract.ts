/** What the server says of lists, backtests, models and entities: generated shapes, with texts narrowed to the values that there are. */
import type { components } from '../../api/schema';
import type { Hit } from '../../api/types';

type Schemas = components['schemas'];

export type ListKind = 'card' | 'bin' | 'ip' | 'email_domain' | 'device' | 'user' | 'country';
export type ListEffect = 'allow' | 'review' | 'block';

/** A value that is let through, looked at or blocked whatever the rules say. */
export type ListEntry = Omit<Schemas['FraudListEntry'], 'kind' | 'effect'> & { kind: ListKind; effect: ListEffect };
export type ListPage = Omit<Schemas['FraudListEntries'], 'entries'> & { entries: ListEntry[] };
export type ListDraft = Omit<Schemas['ListEntryRequest'], 'kind' | 'effect'> & { kind: ListKind; effect: ListEffect };

export type RuleDraft = Schemas['DraftRequest'];
export type BacktestRequest = Schemas['BacktestRequest'];
export type BacktestReport = Schemas['FraudBacktestReport'];
/** Work on the past that goes on while nobody waits; its `progress.total` is 0 until it is known. */
export type Job = Omit<Schemas['FraudBacktest'], 'state' | 'report'> & { state: 'running' | 'done' | 'failed' | 'cancelled' };
/** A rule that is judged on stored payments before it is saved. */
export type Backtest = Job & Pick<Schemas['FraudBacktest'], 'report'>;
export type DecisionCounts = Schemas['FraudDecisionCounts'];
export type RuleResult = Schemas['FraudRuleTrial'];
export type RuleWeek = Schemas['FraudTrialWeek'];

export type EntityKind = 'user' | 'card' | 'device' | 'ip' | 'email';
/** How often something that a payment names paid before it. */
export type Velocity = Omit<Schemas['FraudVelocity'], 'kind'> & { kind: EntityKind };
/** What lies around the payment of a case. */
export type Around = Omit<Schemas['FraudAround'], 'velocities' | 'events'> & { velocities: Velocity[]; events: Hit[] };
export type EntityLink = Omit<Schemas['FraudLink'], 'kind'> & { kind: EntityKind };
export type LinkedUser = Omit<Schemas['FraudLinkedUser'], 'via'> & { via: { kind: EntityKind; value: string }[] };

/** What is known of a customer, a card, a device, an address or an e-mail address in a range of time. */
export type Entity = Omit<Schemas['FraudEntity'], 'kind' | 'links' | 'linked_users' | 'list_entries'> & {
  kind: EntityKind;
  links: EntityLink[];
  linked_users: LinkedUser[];
  list_entries: ListEntry[];
};

export type ModelRole = 'active' | 'challenger' | 'idle';
/** A model that was trained on labelled payments. */
export type Model = Omit<Schemas['FraudModel'], 'role'> & { role: ModelRole };
export type Models = Omit<Schemas['FraudModels'], 'models'> & { models: Model[] };
export type TrainRequest = Schemas['TrainRequest'];
/** A model that has learnt elsewhere, as a file, is judged instead of trained. */
export type LearnRequest = TrainRequest & { saved?: Blob };
/** How a model learns. */
export type Learner = 'trees' | 'tails' | 'imported';
export type Training = Job & { model?: Model | null };
export type TrainingReport = Schemas['FraudTrainingReport'];
export type ModelQuality = Schemas['FraudModelQuality'];
