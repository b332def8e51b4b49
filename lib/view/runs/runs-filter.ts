import { joinNames, splitNames } from '../../contract/name-list';
import {
  RUN_SPIKE_FILTERS,
  runSortSchema,
  type RunSort,
  type RunSortKey,
  type RunSpikeFilter,
} from '../../contract/reads';
import { RUN_STATES, type RunState } from '../../contract/run-state';

/** What someone chose of the runs, as the URL holds it. */
export interface RunsFilter {
  readonly search: string;
  readonly state: RunState | null;
  readonly project: string | null;
  readonly tags: readonly string[];
  readonly spikes: RunSpikeFilter | null;
  readonly sort: RunSort;
  readonly isGrouped: boolean;
  /** Groups whose rows are not shown. */
  readonly closedProjects: readonly string[];
}

export const NEWEST_FIRST: RunSort = '-created';

/** A parameter that says nothing known is as good as absent: an old link still opens. */
export function readRunsFilter(parameters: URLSearchParams): RunsFilter {
  const sort = runSortSchema.safeParse(parameters.get('sort'));
  const isGrouped = parameters.get('group') !== 'none';
  return {
    search: parameters.get('q') ?? '',
    state: RUN_STATES.find((state) => state === parameters.get('status')) ?? null,
    project: parameters.get('project'),
    tags: splitNames(parameters.get('tags') ?? ''),
    spikes: RUN_SPIKE_FILTERS.find((filter) => filter === parameters.get('spikes')) ?? null,
    sort: sort.success ? sort.data : NEWEST_FIRST,
    isGrouped,
    closedProjects: isGrouped ? splitNames(parameters.get('closed') ?? '') : [],
  };
}

/** The parameters of `GET /runs` that ask for it; null ones are left out. */
export function toRunsQuery(filter: RunsFilter): Readonly<Record<string, string | null>> {
  const { search, state, project, tags, spikes, sort, closedProjects } = filter;
  return {
    q: toSearch(search),
    state,
    project,
    tags: orNull(joinNames(tags)),
    spikes,
    sort: sort === NEWEST_FIRST ? null : sort,
    excludeProjects: orNull(joinNames(closedProjects)),
  };
}

/** The URL's parameters that leave every run in. */
export const WITHOUT_FILTER: Readonly<Record<string, null>> = {
  q: null,
  status: null,
  project: null,
  tags: null,
  spikes: null,
};

/** Text as it is; a regex in either case. A lone "/" or "/abc" is text still being typed. */
function toSearch(typed: string): string | null {
  const text = typed.trim();
  return /^\/.+\/$/s.test(text) ? `${text}i` : orNull(text);
}

const orNull = (text: string): string | null => (text === '' ? null : text);

/** What a column says first when it is chosen: names from A, what is much from the most. */
const FIRST_ORDER: Readonly<Record<RunSortKey, RunSort>> = {
  created: '-created',
  name: 'name',
  project: 'project',
  state: 'state',
  spikes: '-spikes',
  stage: '-stage',
  loss: 'loss',
  step: '-step',
  speed: '-speed',
  heard: '-heard',
};

/** The order after a click on a column's head: its own, the other way round, then the newest first. */
export function nextSort(sort: RunSort, key: RunSortKey): RunSort {
  const first = FIRST_ORDER[key];
  if (sort === first) return turnRound(first);
  return sort === turnRound(first) ? NEWEST_FIRST : first;
}

function turnRound(sort: RunSort): RunSort {
  const turned = runSortSchema.safeParse(sort.startsWith('-') ? sort.slice(1) : `-${sort}`);
  return turned.success ? turned.data : sort;
}

/** For `aria-sort`; null where another column says the order. */
export function sortDirection(sort: RunSort, key: RunSortKey): 'ascending' | 'descending' | null {
  if (sort === key) return 'ascending';
  return sort === `-${key}` ? 'descending' : null;
}

/** What the server says of the search, without the name of its parameter; null for any other failure. */
export function describeSearchFault(failure: {
  readonly code: string;
  readonly message: string;
}): string | null {
  const isOfSearch = failure.code === 'invalid_query' && failure.message.startsWith('q: ');
  if (!isOfSearch) return null;
  const reason = failure.message.slice(3);
  return reason.replace(/^.*invalid regular expression: /, 'no regex: ');
}
