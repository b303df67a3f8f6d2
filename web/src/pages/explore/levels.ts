/**
 * The levels of a histogram's answer, added up. Pure.
 */
import type { Histogram } from '../../api/types';

/** Gravest first; `none` is an event without a level. */
export const LEVELS = ['FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE', 'none'] as const;

export interface LevelShare {
  level: string;
  count: number;
  share: number;
}

/** Each level that is there, gravest first, with its share of all. */
export function levelShares(answer: Histogram | null): LevelShare[] {
  if (answer === null || answer.total === 0) return [];
  const counts = new Map<string, number>();
  for (const bucket of answer.buckets) {
    for (const [level, count] of Object.entries(bucket.levels)) counts.set(level, (counts.get(level) ?? 0) + count);
  }
  const rank = (level: string): number => {
    const index = (LEVELS as readonly string[]).indexOf(level);
    return index === -1 ? LEVELS.length : index;
  };
  return [...counts]
    .filter(([, count]) => count > 0)
    .sort(([a], [b]) => rank(a) - rank(b))
    .map(([level, count]) => ({ level, count, share: count / answer.total }));
}
