import { formatStepWindow, type StepWindow } from '@/lib/view/axes/step-axis';
import { patchUrl, readUrlQuery } from '@/app/_hooks/url-store';

/** A gesture ends when nothing has moved for so long; then it becomes one entry of the history. */
const GESTURE_END_MS = 250;
/** Zooms that can be taken back. */
const PAST_LIMIT = 100;

/**
 * The window while a gesture changes it. A wheel turns dozens of times a second; the URL
 * (whose history browsers limit) is told once the gesture is over, as one step to undo.
 */
export class StepWindowStore {
  private moving: { readonly window: StepWindow | null } | null = null;
  /** Windows before each of the zooms made here, the last at the end. */
  private readonly past: (string | null)[] = [];
  private timer: ReturnType<typeof setTimeout> | null = null;
  private readonly listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  };
  /** null while no gesture is on: the URL holds the window. */
  readonly getMoving = (): { readonly window: StepWindow | null } | null => this.moving;

  readonly set = (window: StepWindow | null): void => {
    this.moving = { window };
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      const before = new URLSearchParams(readUrlQuery()).get('steps');
      const steps = window === null ? null : formatStepWindow(window);
      if (steps !== before) this.remember(before);
      patchUrl({ steps }, 'push');
      this.moving = null;
      this.notify();
    }, GESTURE_END_MS);
    this.notify();
  };

  /** Takes the last zoom back; false without one. */
  readonly undo = (): boolean => {
    const steps = this.past.pop();
    if (steps === undefined) return false;
    patchUrl({ steps }, 'push');
    return true;
  };

  private remember(steps: string | null): void {
    this.past.push(steps);
    if (this.past.length > PAST_LIMIT) this.past.shift();
  }

  private notify(): void {
    for (const listener of this.listeners) listener();
  }
}
