/**
 * Puts the posts of one attempt into the order that detectors need: complete steps,
 * ascending. A step waits for its missing layers, and for the steps before it; both until
 * 64 newer steps have come or 30 s have passed, since a job may skip a step for good. For
 * what lies before an attempt's first step it waits two: most jobs count from 1.
 *
 * A job that logs every k-th step would wait at each: once two steps in a row came k
 * apart, k is its stride, and no gap. Where all that waits lies k apart it is told after two
 * seconds, so that such a job has its first findings as soon as others.
 */
import type { StepObservation } from '../../../lib/detect/run-detector';
import { missingColumn } from '../../../lib/contract/missing-value';

/** One post's share of a step. */
export interface StepPart {
  readonly step: number;
  readonly scalars: ReadonlyMap<string, number>;
  readonly layerOffset: number;
  readonly layerCount: number;
  /** [layerCount] each; none where the post is scalars alone, which are complete as they are. */
  readonly layerMetrics: ReadonlyMap<string, Float32Array>;
  readonly hasLayers: boolean;
}

/** One that outlives the post it came with. */
export function copyPart(part: StepPart): StepPart {
  const layerMetrics = new Map(
    Array.from(part.layerMetrics, ([name, column]) => [name, column.slice()]),
  );
  return { ...part, layerMetrics };
}

export interface StepFeedOptions {
  readonly layerCount: number;
  /** The newest step that was handed on; what is not above it is left out. */
  readonly newestStep: number;
  /** The step that comes next, however far it is from the newest: where the attempt starts. */
  readonly expectedStep: number;
  /** Layer metrics that anybody reads: others are not held. */
  readonly metrics: readonly string[];
  /** The last few steps handed on before, ascending: what the stride is known by. */
  readonly stepsBefore?: readonly number[];
}

const PASSED_AFTER_STEPS = 64;
const PASSED_AFTER_MS = 30_000;
/** Of posts that went out at once, the slower is here within it. */
const BEGUN_AFTER_MS = 2_000;
/**
 * Two senders that post whole steps by turns leave every second one out while one of them
 * hangs; of three or more, all but one would have to hang at once.
 */
const LEAST_STRIDE_SEEN_WAITING = 3;

interface WaitingStep {
  readonly step: number;
  readonly sinceMs: number;
  readonly scalars: Map<string, number>;
  readonly layerMetrics: Map<string, Float32Array>;
  /** [L] 1 where a post has brought the layer. */
  readonly covered: Uint8Array;
  coveredCount: number;
  isComplete: boolean;
}

export class StepFeed {
  readonly #layerCount: number;
  readonly #expectedStep: number;
  readonly #metrics: ReadonlySet<string>;
  readonly #waiting = new Map<number, WaitingStep>();
  #newestStep: number;
  #lastGap = 0;
  #stride = 1;
  #lateCount = 0;
  #passedCount = 0;

  constructor(options: StepFeedOptions) {
    const { layerCount, newestStep, expectedStep, metrics, stepsBefore = [] } = options;
    this.#layerCount = layerCount;
    this.#newestStep = newestStep;
    this.#expectedStep = expectedStep;
    this.#metrics = new Set(metrics);
    stepsBefore.forEach((step, index) => {
      const before = stepsBefore[index - 1];
      if (before !== undefined) this.#noteGap(step - before);
    });
  }

  get newestStep(): number {
    return this.#newestStep;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Posts that came after their step was passed over, and gaps passed over. */
  get counts(): { readonly late: number; readonly passed: number } {
    return { late: this.#lateCount, passed: this.#passedCount };
  }

  /**
   * Takes in a post and returns the steps that are now due, ascending. A post that is not
   * `isNew` (a retry) and comes late has been seen before.
   */
  offer(part: StepPart, nowMs: number, isNew = true): StepObservation[] {
    if (part.step <= this.#newestStep) {
      if (isNew) this.#lateCount++;
      return [];
    }
    if (this.#waiting.size === 0 && this.#isNext(part.step) && this.#isWhole(part)) {
      return [this.#handOn(part.step, part.scalars, part.layerMetrics)];
    }
    this.#hold(part, nowMs);
    const due = this.#takeDue();
    while (this.#waiting.size > PASSED_AFTER_STEPS) due.push(...this.#passOver());
    return due;
  }

  /** Steps whose wait is over. */
  takeOverdue(nowMs: number): StepObservation[] {
    const due: StepObservation[] = [];
    for (;;) {
      const lowest = this.#lowest();
      if (lowest === null) return due;
      const isBeginning = this.#newestStep < this.#expectedStep && lowest.isComplete;
      const patienceMs = isBeginning ? BEGUN_AFTER_MS : PASSED_AFTER_MS;
      if (nowMs - lowest.sinceMs >= patienceMs) due.push(...this.#passOver());
      else {
        const stride = this.#strideOfWaiting(nowMs);
        if (stride === null) return due;
        this.#stride = stride;
        due.push(...this.#takeDue());
      }
    }
  }

  /** All that waits: nothing more will come. */
  takeAll(): StepObservation[] {
    const due: StepObservation[] = [];
    while (this.#waiting.size > 0) due.push(...this.#passOver());
    return due;
  }

  #isNext(step: number): boolean {
    return step <= Math.max(this.#newestStep + this.#stride, this.#expectedStep);
  }

  #isWhole({ hasLayers, layerOffset, layerCount }: StepPart): boolean {
    return !hasLayers || (layerOffset === 0 && layerCount === this.#layerCount);
  }

  #hold(part: StepPart, nowMs: number): void {
    const waiting = this.#waiting.get(part.step) ?? {
      step: part.step,
      sinceMs: nowMs,
      scalars: new Map<string, number>(),
      layerMetrics: new Map<string, Float32Array>(),
      covered: new Uint8Array(this.#layerCount),
      coveredCount: 0,
      isComplete: this.#layerCount === 0,
    };
    this.#waiting.set(part.step, waiting);
    for (const [name, value] of part.scalars) {
      if (!waiting.scalars.has(name)) waiting.scalars.set(name, value);
    }
    if (!part.hasLayers) {
      waiting.isComplete = true;
      return;
    }
    for (const [name, values] of part.layerMetrics) {
      if (!this.#metrics.has(name)) continue;
      // Copied: the post's arrays are views into the body of its request.
      let column = waiting.layerMetrics.get(name);
      if (column === undefined) {
        column = missingColumn(this.#layerCount);
        waiting.layerMetrics.set(name, column);
      }
      column.set(values, part.layerOffset);
    }
    const end = part.layerOffset + part.layerCount;
    for (let layer = part.layerOffset; layer < end; layer++) {
      if (waiting.covered[layer] === 0) waiting.coveredCount++;
      waiting.covered[layer] = 1;
    }
    if (waiting.coveredCount === this.#layerCount) waiting.isComplete = true;
  }

  #lowest(): WaitingStep | null {
    let lowest: WaitingStep | null = null;
    for (const waiting of this.#waiting.values()) {
      if (lowest === null || waiting.step < lowest.step) lowest = waiting;
    }
    return lowest;
  }

  /**
   * The distance at which all steps wait, seen twice and with nothing in between, once the
   * step that shows it has waited for the slower of posts that went out at once; or null.
   */
  #strideOfWaiting(nowMs: number): number | null {
    const waiting = [...this.#waiting.values()].sort((a, b) => a.step - b.step);
    const stride = (waiting[0]?.step ?? 0) - this.#newestStep;
    const witness = stride === this.#lastGap ? 0 : 1;
    const isKnownFrom = (waiting[witness]?.sinceMs ?? Infinity) + BEGUN_AFTER_MS;
    if (stride < LEAST_STRIDE_SEEN_WAITING || nowMs < isKnownFrom) return null;
    for (const [index, { step, isComplete }] of waiting.entries()) {
      if (step !== this.#newestStep + (index + 1) * stride) return null;
      if (index <= witness && !isComplete) return null;
    }
    return stride;
  }

  #takeDue(): StepObservation[] {
    const due: StepObservation[] = [];
    for (;;) {
      const lowest = this.#lowest();
      if (lowest === null || !lowest.isComplete || !this.#isNext(lowest.step)) return due;
      due.push(this.#take(lowest));
    }
  }

  /** The lowest step as it is, and what waited for it. */
  #passOver(): StepObservation[] {
    const lowest = this.#lowest();
    if (lowest === null) return [];
    this.#passedCount++;
    return [this.#take(lowest), ...this.#takeDue()];
  }

  #take({ step, scalars, layerMetrics }: WaitingStep): StepObservation {
    this.#waiting.delete(step);
    return this.#handOn(step, scalars, layerMetrics);
  }

  #handOn(
    step: number,
    scalars: ReadonlyMap<string, number>,
    layerMetrics: ReadonlyMap<string, Float32Array>,
  ): StepObservation {
    // Before the first step of an attempt lies no gap of its making.
    if (this.#newestStep >= this.#expectedStep) this.#noteGap(step - this.#newestStep);
    this.#newestStep = step;
    return { step, scalars, layerMetrics };
  }

  /** One gap may be a step that got lost; two of the same length are how the job logs. */
  #noteGap(gap: number): void {
    if (gap === this.#lastGap || gap < this.#stride) this.#stride = gap;
    this.#lastGap = gap;
  }
}
