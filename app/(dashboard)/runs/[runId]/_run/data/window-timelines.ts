import type { StepWindow } from '@/lib/view/axes/step-axis';
import type { RunData } from './run-data';
import type { TimelineBuckets } from './run-reads';

/** A window in motion reads its timelines once it rests this long… */
const WINDOW_REST_MS = 80;
/** …and so much of its length more at either side. */
const WINDOW_MARGIN = 0.5;

/** Timelines of a window and of what lies around it. */
export interface WindowDetail {
  readonly window: StepWindow;
  readonly data: RunData;
}

/** True where `detail` answers for the window: no finer read would show more of it. */
export function isDetailOf(detail: WindowDetail | null, window: StepWindow): boolean {
  if (detail === null) return false;
  const held = detail.window;
  if (held.fromStep > window.fromStep || window.toStep > held.toStep) return false;
  const length = window.toStep - window.fromStep + 1;
  const isNear = held.toStep - held.fromStep < (2 + 2 * WINDOW_MARGIN) * length;
  return isNear || detail.data.isExactWithin(window);
}

/** Reads the timelines of a window in motion: the last one asked for, once it rests. */
export class WindowTimelines {
  private readonly read: (window: StepWindow, signal: AbortSignal) => Promise<TimelineBuckets>;
  private readonly onRead: (window: StepWindow, timeline: TimelineBuckets) => void;
  private readonly onFailure: (cause: unknown) => void;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private controller: AbortController | null = null;

  constructor(options: {
    readonly read: (window: StepWindow, signal: AbortSignal) => Promise<TimelineBuckets>;
    readonly onRead: (window: StepWindow, timeline: TimelineBuckets) => void;
    readonly onFailure: (cause: unknown) => void;
  }) {
    this.read = options.read;
    this.onRead = options.onRead;
    this.onFailure = options.onFailure;
  }

  want(window: StepWindow): void {
    this.drop();
    this.timer = setTimeout(() => {
      this.timer = null;
      const margin = Math.ceil(WINDOW_MARGIN * (window.toStep - window.fromStep + 1));
      const wider = {
        fromStep: Math.max(0, window.fromStep - margin),
        toStep: window.toStep + margin,
      };
      const { signal } = (this.controller = new AbortController());
      this.read(wider, signal).then(
        (timeline) => {
          if (!signal.aborted) this.onRead(wider, timeline);
        },
        (cause: unknown) => {
          if (!signal.aborted) this.onFailure(cause);
        },
      );
    }, WINDOW_REST_MS);
  }

  /** Ends what waits or is under way. */
  drop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.controller?.abort();
    this.controller = null;
  }
}
