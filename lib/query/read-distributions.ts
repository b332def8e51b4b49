import { AppError } from '../contract/app-error';
import type { Distribution, DistributionsQuery, DistributionsReply } from '../contract/reads';
import { computeReferenceCurves } from '../stats/reference-curves';
import type { Database } from '../store/database';
import { findLayer } from '../store/layers';
import { findMetricIds } from '../store/metrics';
import type { RunOutline } from '../store/run-context';
import {
  findHistograms,
  findHistogramSteps,
  findLayerStatistics,
  findNewestHistogramStep,
  type StoredHistogram,
} from '../store/scan-histograms';
import { findStepScalar } from '../store/scan-steps';
import { selectSegments } from '../store/trajectory';
import { requireLayer, requireRun } from './find-run';

interface Place {
  readonly attempt: number;
  readonly step: number;
}

type Item = DistributionsReply['items'][number];

/**
 * The distributions of one layer: with `step` the newest at or before it, without it those
 * of a range, step ascending. Where a range holds more than `limit`, an even choice of its
 * steps with the first and the last, the same at every reload.
 *
 * Throws  AppError `run_not_found`, `layer_not_found`, `attempt_not_found`, and
 *         `distribution_not_found` where `step` has none at or before it
 */
export async function readDistributions(
  db: Database,
  runId: string,
  index: number,
  query: DistributionsQuery,
): Promise<DistributionsReply> {
  const run = await requireRun(db, runId);
  requireLayer(run, index);
  const places =
    query.step === undefined
      ? await findRange(db, run, index, query)
      : [await findNewest(db, run, index, query, query.step)];
  const attemptNumber = places.at(-1)?.attempt ?? run.newestAttempt;
  const optimizer = run.attempts.find(({ attempt }) => attempt === attemptNumber)?.optimizer;
  const { healthyStd, markers } = computeReferenceCurves(
    optimizer?.beta1 ?? null,
    optimizer?.beta2 ?? null,
  );
  return {
    layer: await findLayer(db, run.runKey, index),
    items: await readItems(db, run, index, places),
    referenceCurves: { healthyStd, markers: [...markers] },
  };
}

async function findNewest(
  db: Database,
  run: RunOutline,
  layer: number,
  { attempt, fromStep }: DistributionsQuery,
  step: number,
): Promise<Place> {
  let newest: Place | null = null;
  for (const segment of selectSegments(run, attempt, { fromStep, toStep: step }).reverse()) {
    // Segments of one trajectory do not overlap: the first that has one has the newest.
    if (newest !== null && newest.step >= segment.toStep) continue;
    const found = await findNewestHistogramStep(db, run.runKey, segment, layer);
    if (found !== null && found > (newest?.step ?? -1)) {
      newest = { attempt: segment.attempt, step: found };
    }
    if (newest !== null && attempt !== 'all') break;
  }
  if (newest !== null) return newest;
  throw new AppError(
    'distribution_not_found',
    `layer ${layer} of run ${run.id} has no distribution at or before step ${step}`,
  );
}

async function findRange(
  db: Database,
  run: RunOutline,
  layer: number,
  query: DistributionsQuery,
): Promise<Place[]> {
  const places: Place[] = [];
  for (const segment of selectSegments(run, query.attempt, query)) {
    const steps = await findHistogramSteps(db, run.runKey, segment, layer);
    for (const step of steps) places.push({ attempt: segment.attempt, step });
  }
  places.sort((a, b) => a.step - b.step || a.attempt - b.attempt);
  return chooseEvenly(places, query.limit);
}

/** At most `limit` of the entries, evenly over their positions, the first and last among them. */
export function chooseEvenly<Entry>(entries: readonly Entry[], limit: number): Entry[] {
  if (entries.length <= limit) return [...entries];
  if (limit === 1) return entries.slice(-1);
  const stride = (entries.length - 1) / (limit - 1);
  const chosen = new Set(Array.from({ length: limit }, (_, index) => Math.round(index * stride)));
  return entries.filter((_, index) => chosen.has(index));
}

async function readItems(
  db: Database,
  run: RunOutline,
  layer: number,
  places: readonly Place[],
): Promise<Item[]> {
  const { runKey } = run;
  const [kindIds, metricIds] = await Promise.all([
    findMetricIds(db, runKey, 'histogram'),
    findMetricIds(db, runKey, 'layer'),
  ]);
  const kindNames = namesById(kindIds);
  const metricNames = namesById(metricIds);
  const items: Item[] = [];
  for (const [attempt, steps] of stepsByAttempt(places)) {
    const [histograms, statistics, losses] = await Promise.all([
      findHistograms(db, runKey, attempt, steps, layer),
      findLayerStatistics(db, runKey, attempt, steps, layer),
      findStepScalar(db, runKey, attempt, steps, 'loss'),
    ]);
    for (const step of steps) {
      const loss = losses.get(step) ?? null;
      items.push({
        step,
        attempt,
        loss: loss !== null && Number.isFinite(loss) ? loss : null,
        distributions: (histograms.get(step) ?? []).map((histogram) =>
          toDistribution(histogram, kindNames.get(histogram.kindId) ?? ''),
        ),
        ...toStatistics(statistics.get(step) ?? new Map<number, number | null>(), metricNames),
      });
    }
  }
  return items.sort((a, b) => a.step - b.step || a.attempt - b.attempt);
}

function namesById(ids: ReadonlyMap<string, number>): ReadonlyMap<number, string> {
  return new Map(Array.from(ids, ([name, id]) => [id, name]));
}

function stepsByAttempt(places: readonly Place[]): ReadonlyMap<number, number[]> {
  const steps = new Map<number, number[]>();
  for (const { attempt, step } of places) {
    const ofAttempt = steps.get(attempt) ?? [];
    steps.set(attempt, ofAttempt);
    ofAttempt.push(step);
  }
  return steps;
}

function toDistribution(histogram: StoredHistogram, kind: string): Distribution {
  const [underflow = 0, overflow = 0, zeros = 0, nonFinite = 0] = histogram.outside;
  return {
    kind,
    edges: [...histogram.edges],
    counts: [...histogram.counts],
    underflow,
    overflow,
    zeros,
    nonFinite,
  };
}

function toStatistics(
  values: ReadonlyMap<number, number | null>,
  names: ReadonlyMap<number, string>,
): Pick<Item, 'statistics' | 'nonFiniteCount'> {
  const statistics: [string, number | null][] = [];
  let nonFiniteCount = 0;
  for (const [metricId, value] of values) {
    const name = names.get(metricId);
    if (name === undefined) continue;
    const isFinite = value !== null && Number.isFinite(value);
    if (value !== null && !isFinite) nonFiniteCount++;
    statistics.push([name, isFinite ? value : null]);
  }
  // Own properties, whatever a metric is called.
  return { statistics: Object.fromEntries(statistics), nonFiniteCount };
}
