/** Requests per second, or per minute where these are few. */
import { locale, m } from '../../i18n';

const FEW_PER_SECOND = 1;

export function formatRate(per_second: number | null | undefined): string {
  if (per_second === null || per_second === undefined) return '–';
  const isFew = per_second < FEW_PER_SECOND;
  const value = new Intl.NumberFormat(locale(), { maximumSignificantDigits: 3 }).format(isFew ? per_second * 60 : per_second);
  return isFew ? m.performance_per_minute({ value }) : m.performance_per_second({ value });
}
