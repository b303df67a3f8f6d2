/** The rows that are marked, by the ids of their events; what is not found any more is marked no more. */
import type { Hit } from './types';

/** More rows than this are not marked. */
export const SELECTED_MAX = 1_000;

export class RowSelection {
  ids = $state.raw<ReadonlySet<string>>(new Set());
  /** Where a stretch of rows begins. */
  #anchor = -1;

  get count(): number {
    return this.ids.size;
  }

  has(hit: Hit): boolean {
    return this.ids.has(hit._id);
  }

  /** Marks the row, or marks it no more. */
  toggle(hits: readonly Hit[], index: number): void {
    const hit = hits[index];
    if (hit === undefined) return;
    const ids = new Set(this.ids);
    if (!ids.delete(hit._id) && ids.size < SELECTED_MAX) ids.add(hit._id);
    this.ids = ids;
    this.#anchor = index;
  }

  /** Marks every loaded row from the last one that was toggled, or from `start`, to this one, and no other. */
  stretch(hits: readonly Hit[], index: number, start: number): void {
    if (this.#anchor < 0) this.#anchor = Math.max(0, start);
    const [first, last] = [Math.min(this.#anchor, index), Math.max(this.#anchor, index)];
    this.ids = new Set(hits.slice(first, Math.min(last + 1, first + SELECTED_MAX)).map((hit) => hit._id));
  }

  /** The marked ones among the rows, in their order. */
  of(hits: readonly Hit[]): Hit[] {
    return this.ids.size === 0 ? [] : hits.filter((hit) => this.ids.has(hit._id));
  }

  clear(): void {
    if (this.ids.size > 0) this.ids = new Set();
    this.#anchor = -1;
  }
}
