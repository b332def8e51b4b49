'use client';

import { runsReplySchema, type RunsReply } from '@/lib/contract/reads';
import { joinNames } from '@/lib/contract/name-list';
import type { RunStatus, RunSummary } from '@/lib/contract/runs';
import type { ListedRuns } from '@/lib/view/runs/runs-list';
import { toRunsQuery, type RunsFilter } from '@/lib/view/runs/runs-filter';
import type { RunsOverview } from '@/lib/view/runs/runs-verdict';
import { apiPath, readJson } from '@/app/_hooks/api-client';
import { rememberRuns } from '@/app/_hooks/known-runs';
import { usePolled, type Polled } from './use-polled';

/** The most that the API answers at once. */
const LARGEST_PAGE = 500;
/** More running runs than this are counted but not named in the verdict. */
const OVERVIEW_SIZE = 200;

async function readPages(
  query: Readonly<Record<string, string | null>>,
  wanted: number,
  signal: AbortSignal,
): Promise<RunsReply> {
  const items: RunSummary[] = [];
  let cursor: string | null = null;
  for (;;) {
    const limit = Math.min(LARGEST_PAGE, wanted - items.length);
    const reply: RunsReply = await readJson(
      apiPath('/runs', { ...query, limit, cursor }),
      runsReplySchema,
      signal,
    );
    items.push(...reply.items);
    if (reply.nextCursor === undefined || items.length >= wanted) return { ...reply, items };
    cursor = reply.nextCursor;
  }
}

/** Keeps the objects of runs that did not change, so that only what changed is drawn anew. */
function keepUnchanged(
  before: readonly RunSummary[],
  after: readonly RunSummary[],
): readonly RunSummary[] {
  const known = new Map(before.map((run) => [run.id, run]));
  return after.map((run) => {
    const old = known.get(run.id);
    return old !== undefined && JSON.stringify(old) === JSON.stringify(run) ? old : run;
  });
}

/** The first `wanted` runs that match, in the order that was asked for. */
export function useRuns(filter: RunsFilter, wanted: number): Polled<ListedRuns> {
  const query = toRunsQuery(filter);
  return usePolled<ListedRuns>(`${JSON.stringify(query)} ${wanted}`, async (signal, before) => {
    const { items, total, projects } = await readPages(query, wanted, signal);
    rememberRuns(items);
    return { runs: keepUnchanged(before?.runs ?? [], items), total, projects };
  });
}

/** What the verdict needs of all runs, whatever the list is filtered by. */
export function useRunsOverview(): Polled<RunsOverview> {
  return usePolled<RunsOverview>('overview', async (signal) => {
    const path = apiPath('/runs', { sort: 'state', limit: OVERVIEW_SIZE });
    const { items, total, statuses } = await readJson(path, runsReplySchema, signal);
    // In this order, those that failed come after those that run.
    const having = (wanted: RunStatus) => items.filter(({ status }) => status === wanted);
    return { running: having('running'), failed: having('failed'), total, statuses };
  });
}

/** Runs by their ids: those that were chosen and have left the list. */
export function useRunsById(ids: readonly string[]): Polled<readonly RunSummary[]> {
  const query = { ids: joinNames(ids), limit: LARGEST_PAGE };
  return usePolled<readonly RunSummary[]>(
    ids.length === 0 ? null : query.ids,
    async (signal, before) => {
      const { items } = await readJson(apiPath('/runs', query), runsReplySchema, signal);
      return keepUnchanged(before ?? [], items);
    },
  );
}
