/** Everything that a postmortem is written from, read around one spike; then the postmortem. */
import { leadLagQuerySchema } from '../contract/lead-lag';
import type { Postmortem } from '../contract/postmortem';
import type { Spike } from '../contract/reads';
import type { Run } from '../contract/runs';
import { RATIO_EXCESS_METRIC } from '../contract/standard-metrics';
import { STABILITY_RATIO } from '../contract/warnings';
import { isBatchName } from '../postmortem/changes';
import { composePostmortem } from '../postmortem/compose-postmortem';
import {
  bestDates,
  namesOfLayers,
  riseOf,
  type AttemptExtremes,
  type Extreme,
  type OtherAttempt,
  type PostmortemFacts,
  type StepColumns,
} from '../postmortem/facts';
import type { Database } from '../store/database';
import { findNotes } from '../store/notes';
import type { ReadableRun } from '../store/reading/readable-run';
import { findSpikes } from '../store/findings/spikes';
import { findStageIntervals } from '../store/findings/stages';
import { findNewestSteps, findStepReports, findStepsAfter } from '../store/reading/step-reports';
import { effectiveSegments, selectSegments } from '../store/runs/trajectory';
import { requireRun } from './find-run';
import { readEvents } from './read-events';
import { readHeatmap } from './read-heatmap';
import { readLeadLag } from './read-lead-lag';
import { readRun } from './read-run';
import { readSpike } from './read-spike';
import { readTimeline } from './read-timeline';
import { readWarnings } from './read-warnings';

/** What sentences are made from. */
const LAYER_METRICS = [
  'gradient_rms',
  'gradient_norm',
  'rms',
  'ratio_dip',
  'second_moment_below_epsilon_fraction',
] as const;
const SCALARS = ['loss', 'gradient_norm', 'learning_rate', 'wall_time', STABILITY_RATIO];

/** Reported steps before the rise: a median of 64, the lead, and a long spike's margin. */
const COLUMNS_BEFORE = 128;
const COLUMNS_AFTER = 320;
/** Values held at once, 40 MB; runs with very many layers get fewer steps. */
const MOST_VALUES = 10_000_000;
const LEAST_COLUMNS = 32;
const MOST_SPIKES = 1000;
const MOST_EVENTS = 10_000;
const MOST_OTHER_ATTEMPTS = 8;
/** RMS spikes this far before the rise still tell of it. */
const RMS_SPIKE_STEPS = 200;

/** Throws AppError `run_not_found`, `spike_not_found`. */
export async function readPostmortem(
  db: Database,
  runId: string,
  spikeId: string,
): Promise<Postmortem> {
  return composePostmortem(await readPostmortemFacts(db, runId, spikeId));
}

/** Throws AppError `run_not_found`, `spike_not_found`. */
export async function readPostmortemFacts(
  db: Database,
  runId: string,
  spikeId: string,
): Promise<PostmortemFacts> {
  const outline = await requireRun(db, runId);
  const [run, told] = await Promise.all([readRun(db, runId), readSpike(db, runId, spikeId)]);
  const spike = bestDates(told);
  const columns = await readColumns(db, outline, spike);
  const fromStep = columns.steps[0] ?? spike.onsetStep;
  const toStep = columns.steps.at(-1) ?? spike.onsetStep;
  const segment = { attempt: spike.attempt, fromStep, toStep };
  const rise = riseOf(spike);
  const [spikes, stages, events, warnings, leadLag, others, extremes, rates, notes] =
    await Promise.all([
      readSpikesAround(db, outline, spike),
      findStageIntervals(db, outline.runKey, [segment]),
      readEvents(db, runId, { attempt: 'all', limit: MOST_EVENTS }),
      readWarnings(db, runId, { attempt: 'all', toStep: rise, limit: MOST_SPIKES }),
      readLeadLag(
        db,
        runId,
        leadLagQuerySchema.parse(isEffective(outline, spike) ? {} : { attempt: spike.attempt }),
      ),
      readOthers(db, outline, run, spike, { fromStep, toStep }),
      Promise.all(
        run.attempts
          .filter(({ attempt }) => attempt > 1)
          .map(({ attempt }) => readExtremes(db, outline, attempt)),
      ),
      readTimeline(db, runId, {
        series: ['learning_rate'],
        attempt: spike.attempt,
        toStep: rise,
        points: 500,
      }),
      findNotes(db, outline.runKey, { spikeId }),
    ]);
  const points = rates.series[0]?.points ?? [];
  return {
    run: {
      ...{ id: run.id, name: run.name, project: run.project },
      isRunning: run.status === 'running',
      missingStageInputs: run.missingStageInputs,
      layerNames: namesOfLayers(run.layers),
      parameterCounts: run.layers.map(({ parameterCount }) => parameterCount),
    },
    attempts: run.attempts,
    spike,
    spikes: spikes.map((known) => (known.id === spike.id ? spike : known)),
    columns,
    stages,
    events: events.items,
    warnings: warnings.items,
    leadLag: leadLag.items,
    others,
    extremes,
    rates: {
      toStep: points.map((point) => point.toStep),
      rate: points.map(({ max }) => max ?? NaN),
    },
    notes,
  };
}

function isEffective({ attempts }: ReadableRun, { attempt, onsetStep }: Spike): boolean {
  return effectiveSegments(attempts).some(
    (segment) =>
      segment.attempt === attempt && segment.fromStep <= onsetStep && onsetStep <= segment.toStep,
  );
}

async function readColumns(db: Database, run: ReadableRun, spike: Spike): Promise<StepColumns> {
  const { runKey, layerCount, names } = run;
  const { attempt } = spike;
  const rise = riseOf(spike);
  const fit = Math.floor(MOST_VALUES / Math.max(1, layerCount * LAYER_METRICS.length));
  const limit = Math.max(LEAST_COLUMNS, fit);
  const before = Math.min(COLUMNS_BEFORE, limit >> 1);
  const [earlier, later] = await Promise.all([
    findNewestSteps(db, runKey, { attempt, fromStep: 0, toStep: rise - 1 }, before),
    findStepsAfter(db, runKey, {
      ...{ attempt, afterStep: rise - 1 },
      limit: Math.min(COLUMNS_AFTER, limit - before),
    }),
  ]);
  const fromStep = earlier.at(-1) ?? later[0] ?? rise;
  const toStep = later.at(-1) ?? earlier[0] ?? rise;
  const scalars = [...SCALARS, ...[...names.scalar.keys()].filter(isBatchName)];
  const reports = await findStepReports(db, {
    ...{ runKey, layerCount, scalars },
    segment: { attempt, fromStep, toStep },
    layerMetrics: LAYER_METRICS,
  });
  const noLayers = new Float32Array();
  return {
    steps: reports.map(({ step }) => step),
    scalars: new Map(
      scalars.map((name) => [
        name,
        Float64Array.from(reports, (report) => report.scalars.get(name) ?? NaN),
      ]),
    ),
    layers: new Map(
      LAYER_METRICS.filter((metric) => names.layer.has(metric)).map((metric) => [
        metric,
        reports.map(({ layerMetrics }) => layerMetrics.get(metric) ?? noLayers),
      ]),
    ),
  };
}

/** Loss events of the whole run; RMS spikes are many, and those far away tell nothing here. */
async function readSpikesAround(db: Database, run: ReadableRun, spike: Spike): Promise<Spike[]> {
  const everywhere = selectSegments(run, 'all', {});
  const near = selectSegments(run, spike.attempt, {
    fromStep: Math.max(0, riseOf(spike) - RMS_SPIKE_STEPS),
    toStep: Math.max(spike.peakStep ?? 0, spike.onsetStep),
  });
  const found = await Promise.all([
    ...(['loss_spike', 'outlier_batch', 'divergence'] as const).map((kind) =>
      findSpikes(db, run.runKey, { segments: everywhere, kind, limit: MOST_SPIKES }),
    ),
    findSpikes(db, run.runKey, { segments: near, kind: 'rms_spike', limit: MOST_SPIKES }),
  ]);
  return found
    .flat()
    .map(bestDates)
    .sort((a, b) => a.onsetStep - b.onsetStep);
}

/** The newest attempts that passed the rise too. */
async function readOthers(
  db: Database,
  { runKey }: ReadableRun,
  { attempts }: Run,
  spike: Spike,
  range: { readonly fromStep: number; readonly toStep: number },
): Promise<OtherAttempt[]> {
  const rise = riseOf(spike);
  const passing = attempts
    .filter(
      ({ attempt, firstStep, lastStep }) =>
        attempt !== spike.attempt && (firstStep ?? Infinity) <= rise && (lastStep ?? -1) >= rise,
    )
    .slice(-MOST_OTHER_ATTEMPTS);
  return Promise.all(
    passing.map(async ({ attempt }): Promise<OtherAttempt> => {
      const reports = await findStepReports(db, {
        ...{ runKey, layerCount: 0, layerMetrics: [] },
        segment: { attempt, ...range },
        scalars: ['loss', 'gradient_norm'],
      });
      const column = (name: string) =>
        Float64Array.from(reports, ({ scalars }) => scalars.get(name) ?? NaN);
      return {
        attempt,
        steps: reports.map(({ step }) => step),
        loss: column('loss'),
        gradientNorm: column('gradient_norm'),
      };
    }),
  );
}

async function readExtremes(
  db: Database,
  run: ReadableRun,
  attempt: number,
): Promise<AttemptExtremes> {
  const [rms, ratioExcess] = await Promise.all([
    readExtreme(db, run, attempt, 'rms'),
    readExtreme(db, run, attempt, RATIO_EXCESS_METRIC),
  ]);
  return { attempt, rms, ratioExcess };
}

/** The highest value of a metric over an attempt: the bucket that holds it, then its step. */
async function readExtreme(
  db: Database,
  { id, layerCount, names }: ReadableRun,
  attempt: number,
  metric: string,
): Promise<Extreme | null> {
  if (layerCount === 0 || !names.layer.has(metric)) return null;
  const range: { fromStep?: number; toStep?: number } = {};
  let found: Extreme | null = null;
  // A bucket of buckets of a run of a billion steps is a step after three rounds.
  for (let round = 0; round < 4; round++) {
    const read = await readHeatmap(db, id, {
      ...{ metric, attempt, columns: 64, reduce: 'max' as const },
      ...range,
    });
    const { values, fromStep, toStep } = read;
    let best = -1;
    values.forEach((value, index) => {
      if (Number.isFinite(value) && value > (values[best] ?? -Infinity)) best = index;
    });
    const value = values[best];
    if (value === undefined) return found;
    const column = best % fromStep.length;
    const layer = Math.floor(best / fromStep.length);
    range.fromStep = fromStep[column] ?? 0;
    range.toStep = toStep[column] ?? 0;
    found = { metric, layer, step: range.toStep, value };
    if (range.fromStep === range.toStep) break;
  }
  return found;
}
