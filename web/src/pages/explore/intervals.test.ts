import { describe, expect, it } from 'vitest';
import { BARS_MAX, intervalChoices, intervalMs, intervalText } from './intervals';

describe('bar widths', () => {
  it('fit the range, and keep the one that is set', () => {
    const values = (span_ms: number, chosen: string | null): string => intervalChoices(span_ms, chosen).map((c) => c.value).join(' ');
    expect(values(900_000, null)).toBe('5s 10s 30s 1m 5m');
    expect(values(86_400_000, null)).toBe('5m 10m 30m 1h 3h 6h 12h');
    expect(values(60_000, '1d')).toBe('1s 5s 10s 30s 1d');
    for (const { ms } of intervalChoices(1e10, null)) expect(1e10 / ms).toBeLessThanOrEqual(BARS_MAX);
  });

  it('are read and written', () => {
    expect(intervalMs('30s')).toBe(30_000);
    expect(intervalMs('auto')).toBeNull();
    expect(intervalText(30_000, 'fr-FR').replaceAll(/\s/g, ' ')).toBe('30 s');
    expect(intervalText(5_400_000, 'en-US')).toBe('1.5 hr');
  });
});
