import { roundColourRange, type ColourRange } from '@/lib/view/colours/colour-range';

/**
 * The range of the colours while a drag changes it, ahead of the URL, which is told once the
 * pointer lets go. Outside React: whoever draws colours is told once a frame, and nothing
 * else of the page is made again meanwhile.
 */
export class ColourMotion {
  private moving: ColourRange | null = null;
  private frame: number | null = null;
  private readonly listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  };
  /** null while nothing is dragged: the URL holds the range. */
  readonly get = (): ColourRange | null => this.moving;

  /** As the URL would hold it, so that the picture stays as it is when it does. */
  readonly move = (range: ColourRange): void => {
    this.moving = roundColourRange(range);
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.notify();
    });
  };

  /** Where the drag has ended; null without one. */
  readonly end = (): ColourRange | null => {
    const ended = this.moving;
    if (this.frame !== null) cancelAnimationFrame(this.frame);
    this.frame = null;
    this.moving = null;
    if (ended !== null) this.notify();
    return ended;
  };

  private notify(): void {
    for (const listener of this.listeners) listener();
  }
}

/** The colours of the cells: those the URL holds, and those of a drag. */
export interface CellColours {
  /** [65536] the packed colour of every code. */
  readonly table: Uint32Array;
  /** The same for another range, until it is asked for the next one. */
  readonly tableOf: (range: ColourRange) => Uint32Array;
  readonly motion: ColourMotion;
}
