import {
  DATA_ORDER_SETTINGS,
  type DataOrder,
  type RecurringBatch,
  type RecurringBatchesQuery,
  type RecurringBatchesReply,
} from '../contract/recurring-batches';
import { isBatchName } from '../postmortem/changes';
import { type SharedPlace, findSharedSteps } from '../stats/shared-steps';
import type { Database } from '../store/database';
import { type OrderedRun, findOrderedRuns } from '../store/search/data-orders';

/**
 * Steps at which two or more runs of one data order have an event, with the odds of that by
 * chance; the data order with the most of them first.
 *
 * Throws  AppError `invalid_query`
 */
export async function readRecurringBatches(
  db: Database,
  query: RecurringBatchesQuery,
): Promise<RecurringBatchesReply> {
  const by = query.by === undefined ? DATA_ORDER_SETTINGS : [query.by];
  const { runCount, runs } = await findOrderedRuns(db, query, by, isBatchName);
  const orders = new Map<string, OrderedRun[]>();
  for (const run of runs) {
    const key = JSON.stringify([run.list, ...run.values]);
    orders.set(key, [...(orders.get(key) ?? []), run]);
  }
  return {
    by: by.map((paths) => [...paths]),
    within: query.within,
    runCount,
    orderedRunCount: runs.length,
    items: [...orders.values()]
      .filter((ofOrder) => ofOrder.length >= 2)
      .map((ofOrder) => toDataOrder(ofOrder, by, query))
      .sort((a, b) => b.itemCount - a.itemCount),
  };
}

function toDataOrder(
  runs: readonly OrderedRun[],
  by: readonly (readonly string[])[],
  { within, limit }: RecurringBatchesQuery,
): DataOrder {
  const shared = findSharedSteps(
    runs.map(({ fromStep, toStep, events }) => ({
      ...{ fromStep, toStep },
      eventSteps: events.map(({ onsetStep }) => onsetStep),
    })),
    within,
  );
  const [first] = runs;
  const paths = by[first?.list ?? 0] ?? [];
  return {
    settings: Object.fromEntries(paths.map((path, at) => [path, first?.values[at] ?? ''])),
    runs: runs.map(({ id, name, fromStep, toStep, events }, at) => ({
      ...{ id, name, fromStep, toStep, eventCount: events.length },
      share: shared.shares[at] ?? 0,
    })),
    placeCount: shared.placeCount,
    pairCount: shared.pairCount,
    expectedPairs: shared.expectedPairs,
    items: shared.places.slice(0, limit).map((place) => toItem(place, runs)),
    itemCount: shared.places.length,
  };
}

function toItem(place: SharedPlace, runs: readonly OrderedRun[]): RecurringBatch {
  const { fromStep, toStep, watchedCount, tail, expected } = place;
  const events = place.runs
    .flatMap((at) => {
      const run = runs[at];
      return (run?.events ?? [])
        .filter(({ onsetStep }) => onsetStep >= fromStep && onsetStep <= toStep)
        .map((event) => ({ runId: run?.id ?? '', ...event }));
    })
    .sort((a, b) => a.onsetStep - b.onsetStep || (a.runId < b.runId ? -1 : 1));
  return {
    ...{ fromStep, toStep, watchedCount, tail, expected, events },
    runCount: place.runs.length,
    isSameBatch: isSameBatch(events),
  };
}

/** Of runs that named one: one id of every run is common to all. */
function isSameBatch(
  events: readonly { readonly runId: string; readonly batchId: number | null }[],
): boolean | null {
  const ids = new Map<string, Set<number>>();
  for (const { runId, batchId } of events) {
    if (batchId !== null) ids.set(runId, (ids.get(runId) ?? new Set<number>()).add(batchId));
  }
  const [first, ...others] = ids.values();
  if (first === undefined || others.length === 0) return null;
  return [...first].some((id) => others.every((other) => other.has(id)));
}
