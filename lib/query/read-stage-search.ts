import type { StageSearch, StageSearchReply } from '../contract/stage-search';
import type { Database } from '../store/database';
import { searchStages } from '../store/search/search-stages';

/** Layers that reached a stage in the runs that match. Throws AppError `invalid_query`. */
export function readStageSearch(db: Database, query: StageSearch): Promise<StageSearchReply> {
  return searchStages(db, query);
}
