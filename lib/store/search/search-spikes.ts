/** Spikes of all runs that match: a page, what they come to, and groups of them. */
import { parseGroup, type SpikeSearch } from '../../contract/spike-search';
import type { Database } from '../database';
import { checkPatterns, inSearch } from './search-transaction';
import { findSpikeGroups, type FoundGroup } from './spike-groups';
import { findSpikePage, type SpikePage } from './spike-page';

export interface SpikeSearchResult extends SpikePage {
  readonly total: FoundGroup;
  /** In no order; null where none were asked for. */
  readonly groups: readonly FoundGroup[] | null;
}

const NOTHING: FoundGroup = {
  ...{ key: null, spikeCount: 0, spikeRunCount: 0, medianLead: null, leadCount: 0 },
  ...{ precursorCount: 0, judgedCount: 0, lostSteps: 0 },
  asked: { runCount: 0, attemptCount: 0, steps: 0 },
};

/**
 * Newest run first, or by lead or lost steps; within a run by onset. Reads every spike of
 * the runs that match.
 *
 * Throws  AppError `invalid_query`
 */
export function searchSpikes(db: Database, asked: SpikeSearch): Promise<SpikeSearchResult> {
  // A blank name asks for no layer in particular.
  const query = asked.layer?.trim() === '' ? { ...asked, layer: undefined } : asked;
  return inSearch(db, async (client) => {
    const { q, layer, stageLayer, groupBy } = query;
    await checkPatterns(client, { q, layer, stageLayer });
    const page = await findSpikePage(client, query);
    const [total = NOTHING] = await findSpikeGroups(client, query, null);
    const groupKey = groupBy === undefined ? null : parseGroup(groupBy);
    const groups = groupKey === null ? null : await findSpikeGroups(client, query, groupKey);
    return { ...page, total, groups };
  });
}
