import { createHash } from 'node:crypto';
import type { AdviceItem, AdviceReply } from '../contract/advice';
import type { Spike } from '../contract/reads';
import { STABILITY_RATIO, WARNING_WORDS } from '../contract/warnings';
import { type AdviceFacts, FIGURE_STEPS } from '../postmortem/advice/advice-facts';
import { composeAdvice } from '../postmortem/advice/compose-advice';
import { lastQuietStep, type StepColumns } from '../postmortem/facts';
import { spikeIncidentsQuery } from '../store/alerts/incidents';
import type { Database } from '../store/database';
import { eventsQuery } from '../store/events';
import { type SavedStep, savedStepsQuery } from '../store/findings/findings';
import { spikesQuery } from '../store/findings/spikes';
import { findNotableStages } from '../store/findings/stages';
import { warningsQuery } from '../store/findings/warnings';
import type { Snapshot } from '../store/postgres/snapshot';
import { type ReadableRun, runQueries } from '../store/reading/readable-run';
import { newestStepsQuery, readStepReports, type StepReport } from '../store/reading/step-reports';
import { layerSizesQuery } from '../store/runs/layers';
import { runKeyOf } from '../store/runs/run-key';
import { runNotFound } from '../store/runs/runs';
import { selectSegments } from '../store/runs/trajectory';

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
/** Of how layers stood before a spike, what a first sign is looked for in. */
const LEADING_STAGES = ['armed', 'trigger'] as const;

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
 * Reads a few steps of the newest attempt and what was found, by keys and as of one moment, in
 * five round trips; nothing is written.
 * Throws AppError `run_not_found`.
 */
export function readAdvice(
  db: Database,
  runId: string,
  seen: SeenStep | null,
): Promise<AdviceReply> {
  return db.readSnapshot(async (snapshot) => {
    const runKey = runKeyOf(runId);
    const [asked, layers, saved] = [
      runQueries(runKey),
      layerSizesQuery(runKey),
      savedStepsQuery(runKey),
    ];
    await snapshot.readAll([...asked.queries, layers.query, saved.query]);
    const run = asked.run();
    if (run === null) throw runNotFound(runId);
    const { newestAttempt: attempt } = run;
    const known = seen?.attempt === attempt ? seen : (saved.steps.get(attempt) ?? null);
    const facts =
      known === null ? null : await readFacts(snapshot, { run, layers: layers.layers, known });
    const items = facts === null ? [] : composeAdvice(facts);
    const version = versionOf(attempt, items);
    return { runId: run.id, attempt, step: known?.step ?? null, version, items };
  });
}

interface KnownRun {
  readonly run: ReadableRun;
  readonly layers: AdviceFacts['layers'];
  readonly known: SavedStep;
}

/** What was found and where the last steps are; then those steps and where layers stood. */
async function readFacts(
  snapshot: Snapshot,
  { run, layers, known: { step, watchedFromStep } }: KnownRun,
): Promise<AdviceFacts> {
  const { runKey, attempts, newestAttempt: attempt } = run;
  const optimizer = attempts.at(-1)?.optimizer ?? { name: '' };
  const here = { attempt, fromStep: step, toStep: step };
  const found = spikeQueries(run, step);
  const steps = newestStepsQuery(runKey, { attempt, fromStep: 0, toStep: step }, FIGURE_STEPS);
  const events = eventsQuery(runKey, {
    segments: selectSegments(run, 'all', { fromStep: Math.max(0, step - EVENT_STEPS) }),
    after: null,
    limit: MOST_EVENTS,
  });
  const warnings = warningsQuery(runKey, { segments: [here], limit: MOST_WARNINGS });
  const incidents = spikeIncidentsQuery(runKey, MOST_INCIDENTS);
  await snapshot.readAll([
    ...found.map(({ query }) => query),
    steps.query,
    events.query,
    warnings.query,
    incidents.query,
  ]);
  const spikes = found
    .flatMap(({ spikes: ofKind }) => ofKind)
    .sort((a, b) => a.onsetStep - b.onsetStep);
  const stages = await findNotableStages(snapshot, runKey, {
    now: { attempt, step },
    before: quietSteps(spikes),
    stagesBefore: LEADING_STAGES,
  });
  const reports = await readReports(snapshot, run, step, steps.steps);
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
    events: events.events.map(({ event }) => event),
    warnings: warnings.warnings
      .filter(({ toStep }) => toStep === null)
      .map((warning) => ({ ...warning, metric: STABILITY_RATIO, ...WARNING_WORDS[warning.kind] })),
    incidents: new Map(incidents.incidents.map(({ id, spikeId }) => [spikeId, id])),
  };
}

/** Loss events of the whole run; RMS spikes are many, and those of long ago tell nothing. */
function spikeQueries(run: ReadableRun, step: number): ReturnType<typeof spikesQuery>[] {
  const { runKey, newestAttempt: attempt } = run;
  const everywhere = selectSegments(run, 'all', {});
  const near = [{ attempt, fromStep: Math.max(0, step - RMS_SPIKE_STEPS), toStep: step }];
  return [
    ...(['loss_spike', 'outlier_batch', 'divergence'] as const).map((kind) =>
      spikesQuery(runKey, { segments: everywhere, kind, limit: MOST_SPIKES }),
    ),
    // Of these their steps alone are asked.
    spikesQuery(runKey, {
      ...{ segments: near, kind: 'rms_spike', limit: MOST_SPIKES, withMovers: false },
    }),
  ];
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

async function readReports(
  snapshot: Snapshot,
  run: ReadableRun,
  step: number,
  steps: readonly number[],
): Promise<StepReport[]> {
  const fromStep = steps.at(-1);
  if (fromStep === undefined) return [];
  return readStepReports(snapshot, run, {
    segment: { attempt: run.newestAttempt, fromStep, toStep: step },
    ...{ scalars: SCALARS, layerMetrics: LAYER_METRICS, withPosts: false },
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
