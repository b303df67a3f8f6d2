/**
 * Widths of the histogram's bars that a person can choose. Pure.
 */

export interface IntervalChoice {
  /** As the server reads it. */
  value: string;
  ms: number;
}

/** A width that would draw more bars than this is not offered: the server refuses far more, and nobody reads them. */
export const BARS_MAX = 500;

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const VALUES = ['1s', '5s', '10s', '30s', '1m', '5m', '10m', '30m', '1h', '3h', '6h', '12h', '1d', '7d'];

export function intervalMs(value: string): number | null {
  const match = /^(\d+)([smhd])$/.exec(value);
  if (match === null) return null;
  return Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? 0);
}

/** The widths that suit a range, and the one that is set whatever it is. */
export function intervalChoices(span_ms: number, chosen: string | null): IntervalChoice[] {
  return VALUES.map((value) => ({ value, ms: intervalMs(value) ?? 0 })).filter(
    ({ value, ms }) => value === chosen || (span_ms / ms <= BARS_MAX && span_ms / ms >= 2),
  );
}

/** `30 s`, `5 min`, `3 h`, `1 d`. */
export function intervalText(interval_ms: number, locale: string): string {
  const [unit, size_ms] =
    interval_ms >= 86_400_000 ? (['day', 86_400_000] as const)
    : interval_ms >= 3_600_000 ? (['hour', 3_600_000] as const)
    : interval_ms >= 60_000 ? (['minute', 60_000] as const)
    : interval_ms >= 1_000 ? (['second', 1_000] as const)
    : (['millisecond', 1] as const);
  const format = new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 1 });
  return format.format(interval_ms / size_ms);
}
