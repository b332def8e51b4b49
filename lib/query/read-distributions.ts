import { AppError } from '../contract/app-error';
import type { Distribution, DistributionsQuery, DistributionsReply } from '../contract/reads';
import { adamRatioBound } from '../stats/adam-ratio-bound';
import { computeReferenceCurves } from '../stats/reference-curves';
import type { Database } from '../store/database';
import { layerQuery } from '../store/runs/layers';
import type { PreparedQuery } from '../store/postgres/prepared-read';
import type { ReadableRun } from '../store/reading/readable-run';
import {
  findHistogramSteps,
  findLayerAtSteps,
  findNewestHistogramSteps,
  type LayerAtStep,
  type StoredHistogram,
} from '../store/reading/scan-histograms';
import type { Snapshot } from '../store/postgres/snapshot';
import type { StepPlace } from '../store/reading/step-window';
import { selectSegments } from '../store/runs/trajectory';
import { requireLayer, requireRun } from './find-run';
import { sumDistributions } from './sum-distributions';

type Item = DistributionsReply['items'][number];

/**
 * The distributions of one layer: with `step` the newest at or before it, without it those
 * of a range, step ascending. Where a range holds more than `limit`, an even choice of its
 * steps with the first and the last, the same at every reload; with `reduce: 'sum'` the sums
 * over all of its steps in at most `limit` buckets.
 *
 * Throws  AppError `run_not_found`, `layer_not_found`, `attempt_not_found`, and
 *         `distribution_not_found` where `step` has none at or before it, `invalid_query` for
 *         the sum of one step or of more than can be summed up at once
 */
export function readDistributions(
  db: Database,
  runId: string,
  index: number,
  query: DistributionsQuery,
): Promise<DistributionsReply> {
  return db.readSnapshot((snapshot) => readFrom(snapshot, runId, index, query));
}

async function readFrom(
  snapshot: Snapshot,
  runId: string,
  index: number,
  query: DistributionsQuery,
): Promise<DistributionsReply> {
  const run = await requireRun(snapshot, runId);
  requireLayer(run, index);
  const named = layerQuery(run.runKey, index);
  if (query.reduce === 'sum') {
    const sums = await sumDistributions(snapshot, run, index, query, [named.query]);
    return {
      layer: named.layer(),
      items: [],
      buckets: sums.buckets,
      referenceCurves: curvesOf(run, sums.newestAttempt),
    };
  }
  const places = await findPlaces(snapshot, run, index, query, [named.query]);
  const found = await findLayerAtSteps(snapshot, run, places, index);
  return {
    layer: named.layer(),
    items: found.sort(byStep).map((place) => toItem(run, place)),
    referenceCurves: curvesOf(run, places.at(-1)?.attempt ?? run.newestAttempt),
  };
}

/** For the settings of one attempt. */
function curvesOf(run: ReadableRun, attemptNumber: number): DistributionsReply['referenceCurves'] {
  const optimizer = run.attempts.find(({ attempt }) => attempt === attemptNumber)?.optimizer;
  const { healthyStd, markers } = computeReferenceCurves(
    optimizer?.beta1 ?? null,
    optimizer?.beta2 ?? null,
  );
  const ratioBound = optimizer === undefined ? null : adamRatioBound(optimizer);
  return { healthyStd, ratioBound, markers: [...markers] };
}

function byStep(a: StepPlace, b: StepPlace): number {
  return a.step - b.step || a.attempt - b.attempt;
}

async function findPlaces(
  snapshot: Snapshot,
  run: ReadableRun,
  layer: number,
  { attempt, fromStep, toStep, step, limit }: DistributionsQuery,
  others: readonly PreparedQuery[],
): Promise<StepPlace[]> {
  const { runKey } = run;
  if (step === undefined) {
    const segments = selectSegments(run, attempt, { fromStep, toStep });
    const places = await findHistogramSteps(snapshot, runKey, segments, layer, others);
    return chooseEvenly(places.sort(byStep), limit);
  }
  const segments = selectSegments(run, attempt, { fromStep, toStep: step });
  const newest = await findNewestHistogramSteps(snapshot, runKey, segments, layer, others);
  const place = newest.sort(byStep).at(-1);
  if (place !== undefined) return [place];
  throw new AppError(
    'distribution_not_found',
    `layer ${layer} of run ${run.id} has no distribution at or before step ${step}`,
  );
}

/** At most `limit` of the entries, evenly over their positions, the first and last among them. */
export function chooseEvenly<Entry>(entries: readonly Entry[], limit: number): Entry[] {
  if (entries.length <= limit) return [...entries];
  if (limit === 1) return entries.slice(-1);
  const stride = (entries.length - 1) / (limit - 1);
  const chosen = new Set(Array.from({ length: limit }, (_, index) => Math.round(index * stride)));
  return entries.filter((_, index) => chosen.has(index));
}

function toItem({ names }: ReadableRun, place: LayerAtStep): Item {
  const { step, attempt, loss, histograms, statistics } = place;
  const kinds = namesById(names.histogram);
  return {
    step,
    attempt,
    loss: loss !== null && Number.isFinite(loss) ? loss : null,
    distributions: histograms.map((histogram) =>
      toDistribution(histogram, kinds.get(histogram.kindId) ?? ''),
    ),
    ...toStatistics(statistics, names.layer),
  };
}

function namesById(ids: ReadonlyMap<string, number>): ReadonlyMap<number, string> {
  return new Map(Array.from(ids, ([name, id]) => [id, name]));
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
  ids: ReadonlyMap<string, number>,
): Pick<Item, 'statistics' | 'nonFiniteCount'> {
  const statistics: [string, number | null][] = [];
  let nonFiniteCount = 0;
  for (const [name, id] of ids) {
    const value = values.get(id);
    if (value === undefined) continue;
    const isFinite = value !== null && Number.isFinite(value);
    if (value !== null && !isFinite) nonFiniteCount++;
    statistics.push([name, isFinite ? value : null]);
  }
  // Own properties, whatever a metric is called.
  return { statistics: Object.fromEntries(statistics), nonFiniteCount };
}
