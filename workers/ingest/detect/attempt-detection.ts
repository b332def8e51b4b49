/**
 * The detectors of one attempt at work:
 *
 *   posts ▶ feed (complete steps, in order) ▶ detectors ▶ findings, told at once
 *                                                      └▶ written in the background
 *
 * Findings are written in the order in which they were made, the state of the detectors
 * with them from time to time. What a crash loses is found again: the stored steps after
 * the saved state are fed once more, and spikes have ids that follow from their steps.
 */
import { encodeDetector } from '../../../lib/detect/detector-codec';
import {
  type DetectorContext,
  type RunDetector,
  type StepObservation,
  concludeRun,
  observeStep,
} from '../../../lib/detect/run-detector';
import { stageLabel, stageName } from '../../../lib/detect/stage-names';
import type { Spike } from '../../../lib/contract/reads';
import type { DetectorState, Findings } from '../../../lib/store/findings/findings';
import { PendingFindings } from './pending-findings';
import type { StepFeed, StepPart } from './step-feed';
import {
  type AttemptOfStep,
  type FindingMessage,
  candidateMessage,
  toConclusions,
  toFindings,
} from './step-findings';

/** What a spike is to those who keep something of the steps around it. */
export type WatchedSpike = Pick<Spike, 'id' | 'attempt' | 'kind' | 'onsetStep'>;

/** Told of each step of an attempt that the detectors have looked at, with its spikes. */
export type WatchListener = (
  runKey: string,
  attempt: number,
  step: number,
  spikes: readonly WatchedSpike[],
) => void;

export interface AttemptDetectionOptions {
  readonly runKey: string;
  readonly attempt: number;
  readonly context: DetectorContext;
  readonly detector: RunDetector;
  readonly feed: StepFeed;
  readonly attemptOf: AttemptOfStep;
  /** Detection starts after this step; what the store says of later ones is written anew. */
  readonly startAfterStep: number;
  /** No step of this attempt has been seen before. */
  readonly isNewAttempt: boolean;
  /** While steps come fast, how long after a state the next is saved. */
  readonly saveAfterMs: () => number;
  /** Writes findings; false when the run is gone. */
  readonly save: (findings: Findings) => Promise<boolean>;
  readonly onWatched: WatchListener;
}

/** 64 steps are replayed in milliseconds; a state of 1,000 layers is 1.3 MB, so not every step. */
const SAVE_AFTER_STEPS = 64;
const SAVE_AT_LATEST_MS = 60_000;

export class AttemptDetection {
  readonly detector: RunDetector;
  readonly #options: AttemptDetectionOptions;
  #pending: PendingFindings;
  /** The end of the run has been taken in; the saved state knows of it. */
  #isConcluded = false;
  #isSavedConcluded = false;
  #isFirstStep = true;
  #isCandidateOpen = false;
  #unsavedSteps = 0;
  #unsavedSinceMs: number | null = null;
  #savedAtMs = -Infinity;
  #writing: Promise<void> = Promise.resolve();
  #writesUnderWay = 0;
  #isGone = false;

  constructor(options: AttemptDetectionOptions) {
    this.#options = options;
    this.detector = options.detector;
    this.#pending = new PendingFindings(options.startAfterStep);
  }

  /** Posts that came too late to be looked at, and gaps that were passed over. */
  get counts(): { readonly late: number; readonly passed: number } {
    return this.#options.feed.counts;
  }

  /** Takes posts in; returns what they made known. Throws what a detector throws. */
  observe(parts: readonly StepPart[], nowMs: number, isNew = true): FindingMessage[] {
    const { feed } = this.#options;
    return parts.flatMap((part) => this.#watch(feed.offer(part, nowMs, isNew), nowMs));
  }

  /** Goes on past gaps that have been waited for long enough, or at once past all. */
  passGaps(nowMs: number, which: 'overdue' | 'all'): FindingMessage[] {
    const { feed } = this.#options;
    return this.#watch(which === 'all' ? feed.takeAll() : feed.takeOverdue(nowMs), nowMs);
  }

  /** The run has ended: what waited for later steps is judged by those there are. */
  conclude(): FindingMessage[] {
    const { attempt, attemptOf } = this.#options;
    const reports = concludeRun(this.detector);
    const found = toConclusions(reports, this.detector.newestStep, attempt, attemptOf);
    this.#pending.add(this.detector.newestStep, found, []);
    this.#isConcluded = true;
    return [...found.messages];
  }

  #watch(steps: readonly StepObservation[], nowMs: number): FindingMessage[] {
    return steps.flatMap((observation) => this.#watchStep(observation, nowMs));
  }

  #watchStep(observation: StepObservation, nowMs: number): FindingMessage[] {
    const { attempt, context, attemptOf, isNewAttempt } = this.#options;
    const { step } = observation;
    const { detector } = this;
    const hasStages = detector.stages.sampleCount > 0;
    const found = observeStep(detector, observation, context);
    const findings = toFindings(step, found, attempt, attemptOf);
    const { messages } = findings;
    if (this.#isFirstStep && isNewAttempt && hasStages) {
      this.#takeOverStages(step, new Set(findings.stageChanges.map(({ layer }) => layer)));
    }
    this.#pending.add(step, findings, found.rmsStarting);
    const spikes = findings.spikes.map(({ spike }) => spike);
    this.#options.onWatched(this.#options.runKey, attempt, step, spikes);
    this.#isConcluded = false;
    this.#isFirstStep = false;
    this.#unsavedSteps++;
    this.#unsavedSinceMs ??= nowMs;
    const isOpening = found.isCandidateOpen && !this.#isCandidateOpen;
    this.#isCandidateOpen = found.isCandidateOpen;
    // What the first step shows is where layers begin, not a change.
    const news = hasStages ? messages : messages.filter(({ kind }) => kind !== 'stage_change');
    return isOpening ? [candidateMessage(step, attempt), ...news] : [...news];
  }

  /** An attempt that goes on from another tells its layers' stages once, though none changed. */
  #takeOverStages(step: number, changed: ReadonlySet<number>): void {
    const { layers, stages } = this.detector;
    for (let layer = 0; layer < layers; layer++) {
      if (changed.has(layer)) continue;
      this.#pending.addStageChange({
        layer,
        step,
        stage: stageName(stages.stage[layer] ?? 0),
        label: stageLabel(stages.label[layer] ?? 0),
        evidence: null,
      });
    }
  }

  /**
   * Writes what was found, and the state where that is due or `isLast`. Resolves when it
   * is written. A write that fails keeps what it held for the next.
   */
  flush(nowMs: number, isLast = false): Promise<void> {
    this.#writesUnderWay++;
    const written = this.#writing
      .then(() => this.#write(nowMs, isLast))
      .finally(() => {
        this.#writesUnderWay--;
      });
    // The next write waits for this one, whatever becomes of it.
    this.#writing = written.catch(() => undefined);
    return written;
  }

  /** The newest step that was looked at, once all that was found up to it is written; else null. */
  get settledStep(): number | null {
    const isWritten = this.#pending.isEmpty && this.#writesUnderWay === 0;
    return isWritten && this.detector.newestStep >= 0 ? this.detector.newestStep : null;
  }

  /** Whether there is something to write, the state by its own clock. */
  isDue(nowMs: number): boolean {
    return !this.#pending.isEmpty || this.#isStateDue(nowMs);
  }

  /** The run is gone: nothing of it is written any more. */
  dispose(): void {
    this.#isGone = true;
  }

  #isStateDue(nowMs: number): boolean {
    const { saveAfterMs } = this.#options;
    if (this.#unsavedSinceMs === null) return false;
    if (nowMs - this.#unsavedSinceMs >= SAVE_AT_LATEST_MS) return true;
    return this.#unsavedSteps >= SAVE_AFTER_STEPS && nowMs - this.#savedAtMs >= saveAfterMs();
  }

  async #write(nowMs: number, isLast: boolean): Promise<void> {
    const isUnsaved = this.#unsavedSteps > 0 || this.#isConcluded !== this.#isSavedConcluded;
    const isStateDue = isUnsaved && (isLast || this.#isStateDue(nowMs));
    if (this.#isGone || !(isStateDue || !this.#pending.isEmpty)) return;
    const taken = {
      pending: this.#pending,
      steps: this.#unsavedSteps,
      sinceMs: this.#unsavedSinceMs,
    };
    const state = isStateDue ? this.#takeState(nowMs) : null;
    this.#pending = new PendingFindings(null);
    const { runKey, attempt, save } = this.#options;
    try {
      const isSaved = await save({ runKey, attempt, ...taken.pending.take(), state });
      if (!isSaved) this.#isGone = true;
      if (state !== null) this.#isSavedConcluded = state.isConcluded;
    } catch (error) {
      this.#pending = taken.pending.followedBy(this.#pending);
      if (state !== null) {
        this.#unsavedSteps += taken.steps;
        this.#unsavedSinceMs = taken.sinceMs;
      }
      throw error;
    }
  }

  #takeState(nowMs: number): DetectorState {
    this.#savedAtMs = nowMs;
    this.#unsavedSteps = 0;
    this.#unsavedSinceMs = null;
    return {
      step: this.detector.newestStep,
      bytes: encodeDetector(this.detector),
      watchedFromStep: this.detector.watchedFromStep,
      isConcluded: this.#isConcluded,
    };
  }
}
