/** What is said of differences, apart from how it is drawn. Pure but for the language. */
import { locale, m } from '../../i18n';
import type { Difference, Differences } from '../../api/types';

/** What the events found are compared with, as the server names it. */
export type Against = 'others' | 'before';

export const AGAINST: readonly Against[] = ['others', 'before'];

/** From here on a factor is written without decimals. */
const WHOLE_FROM = 10;

/** How many times more often a value is there. */
export function factorText({ factor }: Pick<Difference, 'factor'>): string {
  if (factor === null || factor === undefined) return m.differences_only_here();
  const digits = factor < WHOLE_FROM ? 1 : 0;
  return m.differences_times({ factor: new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(factor) });
}

/** Why there is nothing to show; `null` when there is. */
export function emptyText(found: Pick<Differences, 'differences' | 'elsewhere_total'>, against: Against): string | null {
  if (found.differences.length > 0) return null;
  if (found.elsewhere_total > 0) return m.differences_none();
  return against === 'others' ? m.differences_no_others() : m.differences_no_before();
}
