/** Which runs a query asks for, as SQL over `run` and what `run-order.ts` joins to it. */
import type { RunSpikeFilter, RunsQuery } from '../../contract/reads';
import { hasEndedSql } from './has-ended';
import { TROUBLE } from './run-details';
import { STATE_SQL } from './run-order';
import { parseTextMatch } from '../text-match';
import { DELETING } from './run-status';

/** SQL conditions with their parameters. */
export class Conditions {
  readonly parameters: unknown[] = [];
  readonly #clauses: string[] = [];

  add(clause: (...placeholders: string[]) => string, ...values: readonly unknown[]): void {
    const placeholders = values.map((value) => `$${this.parameters.push(value)}`);
    this.#clauses.push(clause(...placeholders));
  }

  get sql(): string {
    return this.#clauses.map((clause) => `(${clause})`).join(' AND ');
  }
}

const HAS_SPIKES = `EXISTS (
  SELECT 1 FROM spike WHERE spike.run = run.run AND kind IN ('${TROUBLE.join("', '")}'))`;

const hasOpenSpikes = (condition: string) => `EXISTS (
  SELECT 1 FROM spike
  WHERE spike.run = run.run AND kind IN ('${TROUBLE.join("', '")}') AND recovery = 'open'
    AND ${condition})`;

/** What a later attempt replays is no part of the run any more. */
const IS_NOT_REPLAYED = `NOT EXISTS (
  SELECT 1 FROM attempt AS later
  WHERE later.run = spike.run AND later.attempt > spike.attempt
    AND later.resume_from_step <= onset_step)`;

const SPIKES_SQL = {
  any: HAS_SPIKES,
  none: `NOT ${HAS_SPIKES}`,
  open: hasOpenSpikes(`NOT ${hasEndedSql('spike.attempt')}`),
  never_recovered: hasOpenSpikes(`${hasEndedSql('spike.attempt')} AND ${IS_NOT_REPLAYED}`),
} as const satisfies Readonly<Record<RunSpikeFilter, string>>;

/** Everything that a query says but which page it wants and which projects it leaves out. */
export function filterOf(query: RunsQuery): Conditions {
  const { project, status, ids, state, tags, spikes } = query;
  const conditions = new Conditions();
  conditions.add((deleting = '') => `status <> ${deleting}`, DELETING);
  if (project !== undefined) conditions.add((value = '') => `project = ${value}`, project);
  if (status !== undefined) conditions.add((value = '') => `status = ${value}`, status);
  if (ids !== undefined) conditions.add((value = '') => `id = ANY(${value}::text[])`, ids);
  if (tags !== undefined && tags.length > 0) {
    conditions.add((value = '') => `tags @> ${value}::text[]`, tags);
  }
  if (spikes !== undefined) conditions.add(() => SPIKES_SQL[spikes]);
  if (state !== undefined && state.length > 0) {
    conditions.add((value = '') => `${STATE_SQL} = ANY(${value}::text[])`, state);
  }
  addSearch(conditions, query.q?.trim() ?? '');
  return conditions;
}

function addSearch(conditions: Conditions, search: string): void {
  if (search === '') return;
  const { operator, pattern } = parseTextMatch(search);
  conditions.add((value = '') => {
    const fields = ['id', 'name', 'project', 'notes'].map(
      (column) => `${column} ${operator} ${value}`,
    );
    return `${fields.join(' OR ')} OR EXISTS (SELECT 1 FROM unnest(tags) AS tag WHERE tag ${operator} ${value})`;
  }, pattern);
}
