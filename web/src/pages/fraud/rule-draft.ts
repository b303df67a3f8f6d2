/** A rule as it is being written: what is wrong with it, and how it differs from another. Pure. */
import type { FraudRule } from '../../api/types';
import { m } from '../../i18n';
import type { ListEffect } from './contract';
import { type Mode, modeOf } from './decisions';

export interface Draft {
  name: string;
  expression: string;
  /** `null` while the field is empty. */
  points: number | null;
  /** What is done when it fires, whatever the points say; '' when points decide. */
  action: ListEffect | '';
  /** Whom to ask about it; '' for whoever it was before. */
  owner: string;
  mode: Mode;
  reason: string;
  reason_fr: string;
}

export const NEW_DRAFT: Draft = { name: '', expression: '', points: 20, action: '', owner: '', mode: 'shadow', reason: '', reason_fr: '' };
export const MODES: readonly Mode[] = ['active', 'shadow', 'off'];
export const POINTS_MAX = 100;
export const OWNER_LENGTH_MAX = 100;

export const ACTIONS: readonly Draft['action'][] = ['', 'review', 'block', 'allow'];
/** As the server has it: an action that is not known here is none. */
export const actionOf = (action: string | null | undefined): Draft['action'] => ACTIONS.find((known) => known === action) ?? '';
export const actionText = (action: Draft['action']): string =>
  ({ '': m.fraudrule_action_points(), review: m.fraudrule_action_review(), block: m.fraudrule_action_block(), allow: m.fraudrule_action_allow() })[action];

export const modeText = (mode: Mode): string => ({ active: m.fraud_mode_active(), shadow: m.fraud_mode_shadow(), off: m.fraud_mode_off() })[mode];

/** What is kept of a rule, as the server has it; a version that deleted its rule has none of it. */
type Shape = Pick<FraudRule, 'expression' | 'points' | 'action' | 'owner' | 'mode' | 'reason' | 'reason_fr'>;

export const draftFrom = (name: string, kept: { [field in keyof Shape]?: Shape[field] | null }): Draft => ({
  name, expression: kept.expression ?? '', points: kept.points ?? null, action: actionOf(kept.action), owner: kept.owner ?? '', mode: modeOf(kept.mode ?? ''), reason: kept.reason ?? '',
  reason_fr: kept.reason_fr ?? '',
});

/** What the server is sent of a draft, its name aside. */
export const requestFrom = ({ expression, points, action, owner, mode, reason, reason_fr }: Draft) => ({
  expression, points: points ?? 0, action: action === '' ? null : action, owner: owner.trim(), mode, reason, reason_fr,
});

/** What is wrong with each field, as far as it can be told without the server. */
export function wrongFields(draft: Draft, takenNames: readonly string[]): Partial<Record<keyof Draft, string>> {
  const { name, expression, points, reason, reason_fr } = draft;
  return {
    ...(/^[a-z0-9_]{1,64}$/.test(name) ? {} : { name: m.fraudrule_name_wrong() }),
    ...(takenNames.includes(name) ? { name: m.fraudrule_name_taken() } : {}),
    ...(expression.trim() === '' ? { expression: m.fraudrule_expression_missing() } : {}),
    ...(points !== null && Number.isInteger(points) && points >= 0 && points <= POINTS_MAX ? {} : { points: m.fraudrule_points_wrong() }),
    ...(reason.trim() === '' ? { reason: m.fraudrule_reason_missing() } : {}),
    ...(reason_fr.trim() === '' ? { reason_fr: m.fraudrule_reason_missing() } : {}),
  };
}

/** The fields that a version keeps; a version that deleted its rule has none of them. */
export const KEPT_FIELDS = ['expression', 'points', 'action', 'mode', 'owner', 'reason', 'reason_fr'] as const;
export type KeptField = (typeof KEPT_FIELDS)[number];
export type Kept = { [field in KeptField]?: string | number | null };

export const fieldText = (field: KeptField): string =>
  ({
    expression: m.fraud_expression(), points: m.fraud_points_column(), action: m.fraudrule_action(), mode: m.fraud_mode(), owner: m.fraudrule_owner(),
    reason: m.fraudrule_reason_en(), reason_fr: m.fraudrule_reason_fr(),
  })[field];

/** A text cut in three: the words that both begin with, what differs, the words that both end with. */
export type CutText = [start: string, changed: string, end: string];

export interface Difference {
  field: KeptField;
  before: CutText;
  after: CutText;
}

function shown(field: KeptField, value: string | number | null | undefined): string {
  if (value === null || value === undefined || value === '') return '–';
  if (field === 'action') return actionText(actionOf(String(value)));
  return field === 'mode' ? modeText(modeOf(String(value))) : String(value);
}

function cut(before: string, after: string): [CutText, CutText] {
  const [left, right] = [before, after].map((text) => text.split(/(\s+)/)) as [string[], string[]];
  const shorter = Math.min(left.length, right.length);
  let start = 0;
  while (start < shorter && left[start] === right[start]) start += 1;
  let end = 0;
  while (end < shorter - start && left.at(-1 - end) === right.at(-1 - end)) end += 1;
  const parts = (words: string[]): CutText => [words.slice(0, start).join(''), words.slice(start, words.length - end).join(''), words.slice(words.length - end).join('')];
  return [parts(left), parts(right)];
}

/** The fields that differ, in their order. */
export function differences(before: Kept, after: Kept): Difference[] {
  return KEPT_FIELDS.flatMap((field) => {
    const [left, right] = [shown(field, before[field]), shown(field, after[field])];
    if (left === right) return [];
    const [cutLeft, cutRight] = cut(left, right);
    return [{ field, before: cutLeft, after: cutRight }];
  });
}

/** Where a fault stands in a text, counted from 1; `end` is its last character. */
export interface Place {
  line: number;
  column: number;
  end: number;
}

/** The place of a span of UTF-16 units; a fault that goes past its line ends with the line. */
export function placeIn(text: string, [from, to]: readonly [number, number]): Place {
  const lines = text.slice(0, from).split('\n');
  const column = [...(lines.at(-1) ?? '')].length + 1;
  const length = [...(text.slice(from, to).split('\n')[0] ?? '')].length;
  return { line: lines.length, column, end: Math.max(column, column + length - 1) };
}

export function faultText(text: string, span: readonly [number, number], message: string): string {
  const { line, column, end } = placeIn(text, span);
  return end === column ? m.fraudrule_wrong_at({ line, column, message }) : m.fraudrule_wrong_span({ line, column, end, message });
}
