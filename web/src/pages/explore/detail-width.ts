/**
 * The width of the panel of the open event. Pure but for the one place where it is remembered.
 */

export const DETAIL_MIN_PX = 320;
export const DETAIL_MAX_PX = 900;
const DETAIL_STANDARD_PX = 440;
const KEY = 'vigie.explore.detail_width_px';

/** The width as the person left it, else the standard one. */
export function recalledWidth(storage: Pick<Storage, 'getItem'>): number {
  const px = Number(storage.getItem(KEY) ?? Number.NaN);
  return px >= DETAIL_MIN_PX && px <= DETAIL_MAX_PX ? px : DETAIL_STANDARD_PX;
}

export function rememberWidth(storage: Pick<Storage, 'setItem'>, px: number): void {
  storage.setItem(KEY, String(px));
}
