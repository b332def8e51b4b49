import { describe, expect, it } from 'vitest';
import { runsQuerySchema } from '@/lib/contract/reads';
import {
  NEWEST_FIRST,
  describeSearchFault,
  nextSort,
  readRunsFilter,
  sortDirection,
  toRunsQuery,
} from '@/lib/view/runs/runs-filter';

const filterOf = (query: string) => readRunsFilter(new URLSearchParams(query));
const askFor = (query: string) =>
  Object.fromEntries(
    Object.entries(toRunsQuery(filterOf(query))).filter(([, value]) => value !== null),
  );

describe('the filter in the URL', () => {
  it('asks for everything, newest first, where nothing is said', () => {
    expect(filterOf('')).toEqual({
      ...{ search: '', state: null, project: null, tags: [], spikes: null },
      ...{ sort: NEWEST_FIRST, isGrouped: true, closedProjects: [] },
    });
    expect(askFor('')).toEqual({});
  });

  it('becomes a query that the API takes', () => {
    const query = askFor(
      'q=spike&status=stale&project=char-lm&tags=a,8%20\\, 64&spikes=open&sort=-loss&closed=llm.c',
    );
    expect(query).toEqual({
      q: 'spike',
      state: 'stale',
      project: 'char-lm',
      tags: 'a,8 \\, 64',
      spikes: 'open',
      sort: '-loss',
      excludeProjects: 'llm.c',
    });
    expect(runsQuerySchema.parse(query)).toMatchObject({
      ...{ state: ['stale'], tags: ['a', '8 , 64'], excludeProjects: ['llm.c'], sort: '-loss' },
    });
  });

  it('takes a parameter that says nothing known as absent', () => {
    expect(filterOf('status=odd&sort=colour&spikes=two')).toEqual(filterOf(''));
  });

  it('searches a regex in either case, and what is still being typed as text', () => {
    expect(askFor('q=/^B_/')).toEqual({ q: '/^B_/i' });
    expect(askFor('q=/^B_')).toEqual({ q: '/^B_' });
    expect(askFor('q=//')).toEqual({ q: '//' });
    expect(askFor('q=%20%20')).toEqual({});
  });

  it('leaves no group closed where there are none', () => {
    expect(filterOf('group=none&closed=char-lm').closedProjects).toEqual([]);
  });
});

describe('the order after a click on a head', () => {
  it('is the column’s own, then the other way round, then the newest first', () => {
    expect(nextSort(NEWEST_FIRST, 'name')).toBe('name');
    expect(nextSort('name', 'name')).toBe('-name');
    expect(nextSort('-name', 'name')).toBe(NEWEST_FIRST);
    expect(nextSort('name', 'step')).toBe('-step');
    expect(nextSort('-step', 'step')).toBe('step');
    expect(nextSort('step', 'step')).toBe(NEWEST_FIRST);
  });

  it('is said of its column alone', () => {
    expect(sortDirection('-step', 'step')).toBe('descending');
    expect(sortDirection('name', 'name')).toBe('ascending');
    expect(sortDirection('name', 'step')).toBeNull();
  });
});

describe('a search that the server cannot read', () => {
  it('is said without the words around it', () => {
    const message =
      'q: expected a regular expression between slashes: invalid regular expression: parentheses () not balanced';
    expect(describeSearchFault({ code: 'invalid_query', message })).toBe(
      'no regex: parentheses () not balanced',
    );
    expect(
      describeSearchFault({
        code: 'invalid_query',
        message: 'q: the search took too long; expected a simpler one, or another sort',
      }),
    ).toBe('the search took too long; expected a simpler one, or another sort');
  });

  it('is not the fault of any other failure', () => {
    expect(describeSearchFault({ code: 'invalid_query', message: 'cursor: …' })).toBeNull();
    expect(describeSearchFault({ code: 'unreachable', message: 'q: …' })).toBeNull();
  });
});
