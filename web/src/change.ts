/** Numbers against those of the period before. Pure. */
export interface Change {
  /** Size of the change, 0.08 for 8 %, never negative. */
  share: number;
  direction: -1 | 0 | 1;
}

/** Changes below this are shown as none. */
const NOISE = 0.0005;

/** `null` when one of them is missing, or when there was nothing before: a growth from nothing has no size. */
export function change(now: number | null | undefined, before: number | null | undefined): Change | null {
  if (now === null || now === undefined || before === null || before === undefined || before === 0) return null;
  const share = (now - before) / Math.abs(before);
  if (Math.abs(share) < NOISE) return { share: 0, direction: 0 };
  return { share: Math.abs(share), direction: share > 0 ? 1 : -1 };
}
