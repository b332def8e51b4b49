/**
 * Brings the detectors of an attempt to where the store is: from their saved state, from
 * the attempt that this one continues, or from nothing; then over the stored steps after it.
 */
import {
  continueDetector,
  inheritOpenEvent,
  leaveClosedEvents,
  REPLAY_STEPS,
} from '../../../lib/detect/continue-detector';
import { decodeDetector } from '../../../lib/detect/detector-codec';
import {
  type DetectorContext,
  type RunDetector,
  createRunDetector,
  observeStep,
} from '../../../lib/detect/run-detector';
import { PRECONDITIONED_SHARPNESS, STABILITY_RATIO } from '../../../lib/contract/warnings';
import { HELD_INPUTS } from '../../../lib/detect/stage-state';
import type { Database } from '../../../lib/store/database';
import { findDetectorState, saveFindings } from '../../../lib/store/findings/findings';
import type { RunAttempt, RunContext } from '../../../lib/store/runs/run-context';
import type { StoreLogger } from '../../../lib/store/store-logger';
import {
  type StepReport,
  findNewestSteps,
  findStepReports,
  findStepsAfter,
} from '../../../lib/store/reading/step-reports';
import { type Segment, effectiveSegments } from '../../../lib/store/runs/trajectory';
import { AttemptDetection, type WatchListener } from './attempt-detection';
import { StepFeed, type StepPart } from './step-feed';

/** Everything that the detectors read. */
const DETECTOR_METRICS: readonly string[] = [
  'gradient_norm',
  'gradient_rms',
  'rms',
  ...HELD_INPUTS,
];
const DETECTOR_SCALARS: readonly string[] = [
  'loss',
  'learning_rate',
  'gradient_norm',
  'loss_scale',
  'grad_scale',
  'loss_scaling',
  PRECONDITIONED_SHARPNESS,
  STABILITY_RATIO,
];

/** Steps held at once while stored ones are read: 64 of 1,000 layers are 2.3 MB. */
const STEPS_AT_ONCE = 64;

export interface LoadOptions {
  readonly db: Database;
  readonly logger: StoreLogger;
  readonly nowMs: () => number;
  readonly onWatched: WatchListener;
  /** The detectors of an older attempt, loaded the same way. */
  readonly loadAttempt: (attempt: RunAttempt) => Promise<AttemptDetection>;
  readonly saveAfterMs: () => number;
}

interface Start {
  readonly detector: RunDetector;
  readonly startAfterStep: number;
  readonly isNewAttempt: boolean;
}

export async function loadDetection(
  options: LoadOptions,
  run: RunContext,
  attempt: RunAttempt,
): Promise<AttemptDetection> {
  const { db } = options;
  const context = contextOf(run, attempt);
  const start =
    (await findSaved(options, run, attempt)) ?? (await begin(options, run, attempt, context));
  const { detector, startAfterStep, isNewAttempt } = start;
  const segments = segmentsBefore(run, attempt, startAfterStep);
  const stepsBefore = await lastSteps(db, run.runKey, segments, 3);
  const feed = new StepFeed({
    layerCount: run.layerCount,
    newestStep: Math.max(
      detector.newestStep,
      stepsBefore.at(-1)?.step ?? attempt.resumeFromStep - 1,
    ),
    expectedStep: attempt.resumeFromStep,
    metrics: DETECTOR_METRICS,
    stepsBefore: stepsBefore.map(({ step }) => step),
  });
  const detection = new AttemptDetection({
    runKey: run.runKey,
    attempt: attempt.attempt,
    context,
    detector,
    feed,
    startAfterStep,
    isNewAttempt,
    attemptOf: (step) => attemptOfStep(run, attempt, step),
    saveAfterMs: options.saveAfterMs,
    save: (findings) => saveFindings(db, findings),
    onWatched: options.onWatched,
  });
  await replay(options, run, attempt, detection, startAfterStep);
  return detection;
}

function contextOf({ parameterCounts }: RunContext, { optimizer }: RunAttempt): DetectorContext {
  const { beta1 = null, beta2 = null, epsilon = null } = optimizer;
  return { parameterCounts, beta1, beta2, epsilon };
}

/** null without a saved state, or where it is one of another version: then all is done anew. */
async function findSaved(
  { db, logger }: LoadOptions,
  run: RunContext,
  { attempt }: RunAttempt,
): Promise<Start | null> {
  const state = await findDetectorState(db, run.runKey, attempt);
  if (state === null) return null;
  try {
    const detector = decodeDetector(state.bytes);
    if (detector.layers === run.layerCount) {
      return { detector, startAfterStep: state.step, isNewAttempt: false };
    }
  } catch (error) {
    logger.warn({ error, run: run.id, attempt }, 'saved detectors cannot be read; starting anew');
  }
  return null;
}

/** The detectors of an attempt that has none yet. */
async function begin(
  options: LoadOptions,
  run: RunContext,
  attempt: RunAttempt,
  context: DetectorContext,
): Promise<Start> {
  const { resumeFromStep } = attempt;
  const startAfterStep = resumeFromStep - 1;
  const isNewAttempt = true;
  const before = segmentsBefore(run, attempt, startAfterStep).at(-1);
  const previous = run.attempts.find((other) => other.attempt === before?.attempt);
  if (previous === undefined || previous.attempt === attempt.attempt) {
    return { detector: createRunDetector(run.layerCount), startAfterStep, isNewAttempt };
  }
  const loaded = await options.loadAttempt(previous);
  // The new attempt says that nothing more comes before its start.
  loaded.passGaps(options.nowMs(), 'all');
  loaded.conclude();
  const continuation = continueDetector(loaded.detector, resumeFromStep);
  const { detector } = continuation;
  if (continuation.kind === 'replay') {
    await refill(options.db, run, attempt, detector, context);
    leaveClosedEvents(detector);
    inheritOpenEvent(detector);
  }
  return { detector, startAfterStep, isNewAttempt };
}

/** Shows the last steps before a resume to detectors whose windows are empty. */
async function refill(
  db: Database,
  run: RunContext,
  attempt: RunAttempt,
  detector: RunDetector,
  context: DetectorContext,
): Promise<void> {
  const segments = segmentsBefore(run, attempt, attempt.resumeFromStep - 1);
  const steps = await lastSteps(db, run.runKey, segments, REPLAY_STEPS);
  for (let start = 0; start < steps.length; start += STEPS_AT_ONCE) {
    const chunk = steps.slice(start, start + STEPS_AT_ONCE);
    for (const segment of segments) {
      const ofSegment = chunk.filter((step) => step.attempt === segment.attempt);
      for (const report of await readSteps(db, run, segment.attempt, ofSegment)) {
        observeStep(detector, report, context);
      }
    }
  }
}

async function readSteps(
  db: Database,
  { runKey }: RunContext,
  attempt: number,
  steps: readonly { readonly step: number }[],
): Promise<StepReport[]> {
  const [first] = steps;
  const last = steps.at(-1);
  if (first === undefined || last === undefined) return [];
  return findStepReports(db, {
    runKey,
    segment: { attempt, fromStep: first.step, toStep: last.step },
    scalars: DETECTOR_SCALARS,
    layerMetrics: DETECTOR_METRICS,
  });
}

async function replay(
  { db, nowMs }: LoadOptions,
  run: RunContext,
  { attempt }: RunAttempt,
  detection: AttemptDetection,
  startAfterStep: number,
): Promise<void> {
  for (let afterStep = startAfterStep; ;) {
    const steps = await findStepsAfter(db, run.runKey, {
      attempt,
      afterStep,
      limit: STEPS_AT_ONCE,
    });
    const last = steps.at(-1);
    if (last === undefined) return;
    const reports = await readSteps(
      db,
      run,
      attempt,
      steps.map((step) => ({ step })),
    );
    for (const report of reports) detection.observe(toParts(report), nowMs());
    if (steps.length < STEPS_AT_ONCE) return;
    afterStep = last;
  }
}

/** The posts of a stored step, as they came. */
function toParts({ step, scalars, layerMetrics, posts }: StepReport): StepPart[] {
  return posts.map(({ layerOffset, layerCount }) => ({
    step,
    scalars,
    layerOffset,
    layerCount,
    hasLayers: layerCount > 0,
    layerMetrics: new Map(
      Array.from(layerMetrics, ([name, column]) => [
        name,
        column.subarray(layerOffset, layerOffset + layerCount),
      ]),
    ),
  }));
}

/** What led up to `toStep`, as this attempt knows it: without newer attempts. */
export function segmentsBefore(
  run: Pick<RunContext, 'attempts'>,
  { attempt }: RunAttempt,
  toStep: number,
): Segment[] {
  return effectiveSegments(run.attempts.filter((other) => other.attempt <= attempt))
    .map((segment) => ({ ...segment, toStep: Math.min(segment.toStep, toStep) }))
    .filter((segment) => segment.fromStep <= segment.toStep);
}

function attemptOfStep(run: RunContext, attempt: RunAttempt, step: number): number {
  const segments = segmentsBefore(run, attempt, step);
  return segments.find(({ toStep }) => toStep >= step)?.attempt ?? attempt.attempt;
}

/** The last `count` stored steps of the segments, ascending. */
async function lastSteps(
  db: Database,
  runKey: string,
  segments: readonly Segment[],
  count: number,
): Promise<{ readonly attempt: number; readonly step: number }[]> {
  const found: { attempt: number; step: number }[] = [];
  for (const segment of segments.toReversed()) {
    if (found.length >= count) break;
    const steps = await findNewestSteps(db, runKey, segment, count - found.length);
    found.push(...steps.map((step) => ({ attempt: segment.attempt, step })));
  }
  return found.reverse();
}
