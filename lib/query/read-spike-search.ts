import {
  parseGroup,
  type GroupKey,
  type SpikeCounts,
  type SpikeGroup,
  type SpikeSearch,
  type SpikeSearchReply,
} from '../contract/spike-search';
import type { Database } from '../store/database';
import { searchSpikes } from '../store/search/search-spikes';
import type { FoundGroup } from '../store/search/spike-groups';

/** More groups than this are no answer; how many there are is said. */
const MOST_GROUPS = 200;

/**
 * A page of the spikes of all runs that match, what all of them come to, and groups.
 *
 * Throws  AppError `invalid_query`
 */
export async function readSpikeSearch(db: Database, query: SpikeSearch): Promise<SpikeSearchReply> {
  const { items, nextCursor, total, groups } = await searchSpikes(db, query);
  const isTimed = query.from !== undefined || query.to !== undefined;
  const asked = total.asked ?? { runCount: 0, attemptCount: 0, steps: 0 };
  const groupBy = query.groupBy === undefined ? null : parseGroup(query.groupBy);
  return {
    items: items.map((item) => ({
      ...item,
      postmortem: `/runs/${encodeURIComponent(item.run.id)}/spikes/${encodeURIComponent(item.id)}`,
    })),
    ...(nextCursor === null ? {} : { nextCursor }),
    total: toCounts(total, asked, isTimed),
    ...(groups === null || groupBy === null
      ? {}
      : {
          groups: orderGroups(
            groups.map((group) => toGroup(group, toCounts(group, asked, isTimed), groupBy, query)),
          ).slice(0, MOST_GROUPS),
          groupCount: groups.length,
        }),
  };
}

/** A group of spikes is held against the steps of all attempts. */
function toCounts(
  group: FoundGroup,
  all: NonNullable<FoundGroup['asked']>,
  isTimed: boolean,
): SpikeCounts {
  const { runCount, attemptCount, steps } = group.asked ?? all;
  const { spikeCount, spikeRunCount, medianLead, leadCount } = group;
  const { precursorCount, judgedCount, lostSteps } = group;
  return {
    ...{ spikeCount, spikeRunCount, runCount, attemptCount },
    steps: isTimed ? null : steps,
    spikesPer10kSteps: isTimed || steps === 0 ? null : (spikeCount / steps) * 10_000,
    ...{ medianLead, leadCount, precursorCount, judgedCount, lostSteps },
  };
}

function toGroup(
  { key }: FoundGroup,
  counts: SpikeCounts,
  groupBy: GroupKey,
  { sizes }: SpikeSearch,
): SpikeGroup {
  const isSize = groupBy.of === 'attempt' && groupBy.name === 'model_size';
  if (!isSize || key === null) return { ...counts, key, below: null };
  const edge = Number(key);
  const below = sizes === undefined ? edge * 10 : sizes.find((one) => one > edge);
  return { ...counts, key: String(edge), below: below ?? null };
}

/** Numbers ascending; other keys by their spikes; what is not said comes last. */
function orderGroups(groups: readonly SpikeGroup[]): SpikeGroup[] {
  const known = groups.filter(({ key }) => key !== null);
  const numbers = known.every(({ key }) => key !== '' && Number.isFinite(Number(key)));
  const rank = ({ key }: SpikeGroup): number => Number(key ?? NaN);
  return [
    ...[...known].sort((a, b) =>
      numbers
        ? rank(a) - rank(b)
        : b.spikeCount - a.spikeCount || ((a.key ?? '') < (b.key ?? '') ? -1 : 1),
    ),
    ...groups.filter(({ key }) => key === null),
  ];
}
