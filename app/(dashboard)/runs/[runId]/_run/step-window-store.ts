import { formatStepWindow, type StepWindow } from '@/lib/view/step-axis';
import { patchUrl } from '@/app/_hooks/url-store';

/** A gesture ends when nothing has moved for so long; then it becomes one entry of the history. */
const GESTURE_END_MS = 250;

/**
 * The window while a gesture changes it. A wheel turns dozens of times a second; the URL
 * (whose history browsers limit) is told once the gesture is over, as one step to undo.
 */
export class StepWindowStore {
  private moving: { readonly window: StepWindow | null } | null = null;
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
      patchUrl({ steps: window === null ? null : formatStepWindow(window) }, 'push');
      this.moving = null;
      this.notify();
    }, GESTURE_END_MS);
    this.notify();
  };

  private notify(): void {
    for (const listener of this.listeners) listener();
  }
}
