/** Where the crosshair stands: a reported step and a layer by its index in the model. */
export interface Crosshair {
  readonly step: number;
  readonly layer: number;
  /** A pinned crosshair stays where it is when the pointer moves. */
  readonly isPinned: boolean;
}

/**
 * The crosshair outside React: it moves with every pointer event, and only what draws it
 * or reads it out listens; the charts under it are not touched.
 */
export class CrosshairStore {
  private value: Crosshair | null;
  private readonly listeners = new Set<() => void>();

  constructor(first: Crosshair | null) {
    this.value = first;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly get = (): Crosshair | null => this.value;

  set(next: Crosshair | null): void {
    const { value } = this;
    if (
      next === value ||
      (next !== null &&
        value !== null &&
        next.step === value.step &&
        next.layer === value.layer &&
        next.isPinned === value.isPinned)
    ) {
      return;
    }
    this.value = next;
    for (const listener of this.listeners) listener();
  }
}
