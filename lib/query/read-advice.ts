import { createHash } from 'node:crypto';
import type { AdviceItem, AdviceReply } from '../contract/advice';
import type { Spike, StageInterval } from '../contract/reads';
import { STABILITY_RATIO, WARNING_WORDS } from '../contract/warnings';
import { type AdviceFacts, FIGURE_STEPS } from '../postmortem/advice/advice-facts';
import { composeAdvice } from '../postmortem/advice/compose-advice';
import { lastQuietStep, type StepColumns } from '../postmortem/facts';
import type { Database } from '../store/database';
import { findEvents } from '../store/events';
import { findSeenStep } from '../store/findings/findings';
import { findIncidents } from '../store/alerts/incidents';
import { findLayers } from '../store/runs/layers';
import type { ReadableRun } from '../store/reading/readable-run';
import { findSpikes } from '../store/findings/spikes';
import { findStageIntervals } from '../store/findings/stages';
import { type StepReport, findNewestSteps, findStepReports } from '../store/reading/step-reports';
import { type Segment, selectSegments } from '../store/runs/trajectory';
import { findWarnings } from '../store/findings/warnings';
import { requireRun } from './find-run';

/** What advice asks of a layer. */
const LAYER_METRICS = [
  'gradient_rms',
  'rms',
  'ratio_dip',
  'second_moment_below_epsilon_fraction',
] as const;
const SCALARS = ['loss', STABILITY_RATIO];

const MOST_SPIKES = 1000;
/** RMS spikes farther back are no news. */
const RMS_SPIKE_STEPS = 200;
/** Checkpoints farther back than this are none to go back to. */
const EVENT_STEPS = 20_000;
const MOST_EVENTS = 10_000;
const MOST_WARNINGS = 100;
const MOST_INCIDENTS = 200;

/** How far detectors are with an attempt. */
export interface SeenStep {
  readonly attempt: number;
  readonly step: number;
  /** Where start-up ended, which is no time to judge; null while it goes on. */
  readonly watchedFromStep: number | null;
}

/**
 * What the run's training loop may do now. `seen` is what the ingestion worker says of its
 * detectors; without it the step is that of their saved state, which is up to 64 steps old.
 * Reads a few steps of the newest attempt and what was found, by keys; nothing is written.
 * Throws AppError `run_not_found`.
 */
export async function readAdvice(
  db: Database,
  runId: string,
  seen: SeenStep | null,
): Promise<AdviceReply> {
  const run = await requireRun(db, runId);
  const attempt = run.newestAttempt;
  const known = seen?.attempt === attempt ? seen : await findSeenStep(db, run.runKey, attempt);
  const items = known === null ? [] : composeAdvice(await readFacts(db, run, known));
  const version = versionOf(attempt, items);
  return { runId: run.id, attempt, step: known?.step ?? null, version, items };
}

async function readFacts(
  db: Database,
  run: ReadableRun,
  { step, watchedFromStep }: Omit<SeenStep, 'attempt'>,
): Promise<AdviceFacts> {
  const { runKey, attempts, newestAttempt: attempt } = run;
  const optimizer = attempts.at(-1)?.optimizer ?? { name: '' };
  const here = { attempt, fromStep: step, toStep: step };
  const spikes = await readSpikes(db, run, step);
  const [layers, reports, stages, events, warnings, incidents] = await Promise.all([
    findLayers(db, runKey),
    readReports(db, run, step),
    readStages(db, runKey, [here, ...quietSteps(spikes)]),
    findEvents(db, runKey, {
      segments: selectSegments(run, 'all', { fromStep: Math.max(0, step - EVENT_STEPS) }),
      after: null,
      limit: MOST_EVENTS,
    }),
    findWarnings(db, runKey, { segments: [here], limit: MOST_WARNINGS }),
    readIncidents(db, run, spikes),
  ]);
  return {
    attempt,
    optimizer,
    attempts,
    step,
    watchedFromStep,
    layers,
    columns: toColumns(reports),
    lastLoss: reports.findLast(({ scalars }) => scalars.has('loss'))?.scalars.get('loss') ?? null,
    spikes,
    stages,
    events: events.map(({ event }) => event),
    warnings: warnings
      .filter(({ toStep }) => toStep === null)
      .map((warning) => ({ ...warning, metric: STABILITY_RATIO, ...WARNING_WORDS[warning.kind] })),
    incidents,
  };
}

/** Loss events of the whole run; RMS spikes are many, and those of long ago tell nothing. */
async function readSpikes(db: Database, run: ReadableRun, step: number): Promise<Spike[]> {
  const { runKey, newestAttempt: attempt } = run;
  const everywhere = selectSegments(run, 'all', {});
  const near = [{ attempt, fromStep: Math.max(0, step - RMS_SPIKE_STEPS), toStep: step }];
  const found = await Promise.all([
    ...(['loss_spike', 'outlier_batch', 'divergence'] as const).map((kind) =>
      findSpikes(db, runKey, { segments: everywhere, kind, limit: MOST_SPIKES }),
    ),
    findSpikes(db, runKey, { segments: near, kind: 'rms_spike', limit: MOST_SPIKES }),
  ]);
  return found.flat().sort((a, b) => a.onsetStep - b.onsetStep);
}

/** Each interval once, however many of the steps it holds. */
async function readStages(
  db: Database,
  runKey: string,
  segments: readonly Segment[],
): Promise<StageInterval[]> {
  const found = await findStageIntervals(db, runKey, segments);
  const once = new Map(
    found.map((each) => [`${each.attempt}/${each.layer}/${each.fromStep}`, each] as const),
  );
  return [...once.values()];
}

/** Where layers stood before the last loss events: what came first is looked for there. */
function quietSteps(spikes: readonly Spike[]) {
  return spikes
    .filter(({ kind }) => kind !== 'rms_spike')
    .slice(-2)
    .map((spike) => {
      const step = Math.max(0, lastQuietStep({ spike }));
      return { attempt: spike.attempt, fromStep: step, toStep: step };
    });
}

/** Open ones, by the spike that they tell of. */
async function readIncidents(
  db: Database,
  { id, project }: ReadableRun,
  spikes: readonly Spike[],
): Promise<ReadonlyMap<string, string>> {
  if (spikes.length === 0) return new Map();
  const query = { project, runId: id, state: 'open' as const, limit: MOST_INCIDENTS };
  const { items } = await findIncidents(db, query);
  return new Map(
    items.flatMap(({ id: incident, spikeId }) => (spikeId === null ? [] : [[spikeId, incident]])),
  );
}

async function readReports(
  db: Database,
  { runKey, layerCount, newestAttempt: attempt }: ReadableRun,
  step: number,
): Promise<StepReport[]> {
  const upTo = { attempt, fromStep: 0, toStep: step };
  const steps = await findNewestSteps(db, runKey, upTo, FIGURE_STEPS);
  const fromStep = steps.at(-1);
  if (fromStep === undefined) return [];
  return findStepReports(db, {
    ...{ runKey, layerCount, scalars: SCALARS, layerMetrics: LAYER_METRICS },
    segment: { ...upTo, fromStep },
  });
}

function toColumns(reports: readonly StepReport[]): StepColumns {
  const nothing = new Float32Array();
  return {
    steps: reports.map(({ step }) => step),
    scalars: new Map(
      SCALARS.map((name) => [
        name,
        Float64Array.from(reports, ({ scalars }) => scalars.get(name) ?? NaN),
      ]),
    ),
    layers: new Map(
      LAYER_METRICS.map((metric) => [
        metric,
        reports.map(({ layerMetrics }) => layerMetrics.get(metric) ?? nothing),
      ]),
    ),
  };
}

/** Of what is advised, not of the numbers in its words, which change with every step. */
function versionOf(attempt: number, items: readonly AdviceItem[]): string {
  const meant = items.map(({ id, severity, checkpointStep }) => [id, severity, checkpointStep]);
  return createHash('sha256')
    .update(JSON.stringify([attempt, meant]))
    .digest('base64url')
    .slice(0, 16);
}
