/**
 * A rune around `@tanstack/virtual-core`: which rows are in sight, and where they stand.
 *
 * The items are replaced as a whole, never changed in place; the DOM holds the rows in sight and a few beside
 * them, whatever the count.
 */
import {
  elementScroll,
  measureElement,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualItem,
  type VirtualizerOptions,
} from '@tanstack/virtual-core';

/** Rows kept beyond each edge. */
const OVERSCAN_ROWS = 8;

export interface RowLayout {
  count: number;
  row_px: number;
  /** The space that a fixed head takes at the top of the scroll area. */
  head_px: number;
}

type Options = VirtualizerOptions<HTMLElement, HTMLElement>;

export class VirtualRows {
  items = $state.raw<VirtualItem[]>([]);
  height_px = $state(0);
  /** The rows between the edges, without those kept beyond; `last` is −1 when there are none. */
  sight = $state.raw<{ first: number; last: number }>({ first: 0, last: -1 });
  readonly #virtualizer: Virtualizer<HTMLElement, HTMLElement>;
  #element: HTMLElement | null = null;
  #layout: RowLayout = { count: 0, row_px: 28, head_px: 0 };

  constructor() {
    this.#virtualizer = new Virtualizer(this.#options());
  }

  #options(): Options {
    const { count, row_px, head_px } = this.#layout;
    return {
      count,
      estimateSize: () => row_px,
      getScrollElement: () => this.#element,
      overscan: OVERSCAN_ROWS,
      scrollPaddingStart: head_px,
      scrollMargin: head_px,
      observeElementRect,
      observeElementOffset,
      scrollToFn: elementScroll,
      measureElement,
      indexAttribute: 'data-row',
      onChange: () => this.#publish(),
    };
  }

  #publish(): void {
    this.items = this.#virtualizer.getVirtualItems();
    this.height_px = this.#virtualizer.getTotalSize();
    const range = this.#virtualizer.range;
    this.sight = { first: range?.startIndex ?? 0, last: range?.endIndex ?? -1 };
  }

  /** Binds to the element that scrolls; the answer unbinds. */
  mount(element: HTMLElement): () => void {
    this.#element = element;
    const unmount = this.#virtualizer._didMount();
    this.#virtualizer._willUpdate();
    this.#publish();
    return () => {
      unmount();
      this.#element = null;
    };
  }

  layout(layout: RowLayout): void {
    const isNewHeight = layout.row_px !== this.#layout.row_px;
    this.#layout = layout;
    this.#virtualizer.setOptions(this.#options());
    if (isNewHeight) this.#virtualizer.measure();
    this.#virtualizer._willUpdate();
    this.#publish();
  }

  /** Forgets measured heights: the rows are others now. */
  forget(): void {
    this.#virtualizer.measure();
    this.#publish();
  }

  /** Takes the real height of a row whose height depends on its text. */
  measure(element: HTMLElement): void {
    this.#virtualizer.measureElement(element);
  }

  reveal(index: number): void {
    this.#virtualizer.scrollToIndex(index, { align: 'auto' });
  }

  toTop(): void {
    this.#virtualizer.scrollToOffset(0);
  }
}
