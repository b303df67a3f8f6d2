/** What the page says of models: their roles, how they compare with the rules, what signals weigh. Pure. */
import { locale, m } from '../../i18n';
import type { Instants } from '../../time';
import type { Job, Learner, ModelQuality, ModelRole, Model, TrainingReport } from './contract';

const DAY_MS = 86_400_000;

/** The lengths of time of which a model may learn, in days. */
export const TRAINING_DAYS = [30, 90, 180] as const;
export type TrainingDays = (typeof TRAINING_DAYS)[number];
export const TRAINING_DAYS_STANDARD: TrainingDays = 90;

export const trainingRange = (days: number, now_ms: number): Instants => ({ from: new Date(now_ms - days * DAY_MS).toISOString(), to: new Date(now_ms).toISOString() });

/** How a model may learn; the first needs labels, the last has learnt elsewhere. */
export const LEARNERS = ['trees', 'tails', 'imported'] as const satisfies readonly Learner[];

export const isImported = (learner: string): boolean => learner === 'imported';

/** What a learner learns from. */
export const learnerText = (learner: string): string => (isImported(learner) ? m.fraudmodel_imported() : learner === 'tails' ? m.fraudmodel_tails() : m.fraudmodel_trees());

/** Where the payments of a range are with what models learn of them. */
export const signalsPath = ({ from, to }: Instants): string => `/api/fraud/models/signals?${new URLSearchParams({ from, to })}`;

/** A role that nobody knows decides nothing. */
export const roleOf = (role: string): ModelRole => (role === 'active' || role === 'challenger' ? role : 'idle');

export const roleText = (role: ModelRole): string => ({ active: m.fraudmodel_active(), challenger: m.fraudmodel_challenger(), idle: m.fraudmodel_idle() })[role];

/** What a role means. */
export const roleHint = (role: ModelRole): string => ({ active: m.fraudmodel_active_hint(), challenger: m.fraudmodel_challenger_hint(), idle: m.fraudmodel_idle_hint() })[role];

/** The model that is shown: the one asked for; when none is, the active one or the newest. Null: there is none of that version. */
export function shownModel(models: readonly Model[], asked: string | null): Model | null {
  if (asked !== null) return models.find(({ version }) => String(version) === asked) ?? null;
  return models.find(({ role }) => roleOf(role) === 'active') ?? models[0] ?? null;
}

const measure = new Intl.NumberFormat(locale(), { minimumFractionDigits: 3, maximumFractionDigits: 3 });
const signed = new Intl.NumberFormat(locale(), { minimumFractionDigits: 3, maximumFractionDigits: 3, signDisplay: 'exceptZero' });
const significant = new Intl.NumberFormat(locale(), { maximumSignificantDigits: 3 });

export type Verdict = 'better' | 'worse' | 'same';

/** One measure of the model beside that of the rules. */
export interface MeasureRow {
  name: keyof ModelQuality;
  label: string;
  hint: string;
  model: string;
  rules: string;
  /** How the model does; what reads the same is the same. Null when no label says. */
  verdict: Verdict | null;
}

export function measureRows({ model, rules }: Pick<TrainingReport, 'model' | 'rules'>): MeasureRow[] {
  const row = (name: keyof ModelQuality, label: string, hint: string): MeasureRow => {
    if (model == null || rules == null) return { name, label, hint, model: '–', rules: '–', verdict: null };
    const [ours, theirs] = [measure.format(model[name]), measure.format(rules[name])];
    return { name, label, hint, model: ours, rules: theirs, verdict: ours === theirs ? 'same' : model[name] > rules[name] ? 'better' : 'worse' };
  };
  return [
    row('area_under_roc', m.fraudmodel_auc(), m.fraudmodel_auc_hint()),
    row('average_precision', m.fraudmodel_precision(), m.fraudmodel_precision_hint()),
    row('card_precision_100', m.fraudmodel_cards(), m.fraudmodel_cards_hint()),
  ];
}

/** What a model gains over what judged, with its sign, and what that means. */
export function gainText(gain: TrainingReport['gain']): { text: string; hint: string } {
  if (gain == null) return { text: '–', hint: m.fraudmodel_gain_none() };
  const words = { deviation: measure.format(gain.deviation), verdict: gain.is_clear ? m.fraudmodel_gain_clear() : m.fraudmodel_gain_chance() };
  const hint = gain.over == null ? m.fraudmodel_gain_rules(words) : m.fraudmodel_gain_over({ ...words, version: gain.over });
  return { text: signed.format(gain.mean), hint };
}

/** Weights with the length of their bars, in percent of the longest. */
export function weightRows(weights: TrainingReport['weights']): { signal: string; text: string; percent: number }[] {
  const most = Math.max(...weights.map(({ weight }) => Math.abs(weight)), 0);
  return weights.map(({ signal, weight }) => ({ signal, text: significant.format(weight), percent: most === 0 ? 0 : (Math.abs(weight) / most) * 100 }));
}

/** A share of a count; null where there was nothing to take it of. */
export const shareOf = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

/** What a running training does: it counts events, reads them, and learns once all are read. */
export const stepOf = ({ read, total }: Job['progress']): 'counting' | 'reading' | 'learning' => (total === 0 ? 'counting' : read < total ? 'reading' : 'learning');
