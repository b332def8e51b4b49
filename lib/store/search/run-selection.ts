/**
 * The attempts that a question across runs is put to, as the relation `considered`: its run,
 * its optimizer, its size where asked for, whether it has ended, and its first and last reported
 * step by two probes of the steps' key. Whatever somebody typed is a parameter.
 */
import {
  OPTIMIZER_PATHS,
  isNumberText,
  parseConditions,
  type RunCondition,
} from '../../contract/run-conditions';
import { hasEndedSql } from '../runs/has-ended';
import { filterOf } from '../runs/run-filter';

export interface RunSelection {
  readonly project?: string | undefined;
  readonly q?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  /** As the query wrote it. */
  readonly config?: string | undefined;
}

/** A statement under way: its parameters, in the order of their numbers. */
export class SearchSql {
  readonly parameters: unknown[];
  /** Conditions on `run` alone. */
  readonly #runFilter: string;
  readonly #attemptFilters: string[] = [];
  #needsSize = false;

  constructor({ project, q, tags, config }: RunSelection) {
    const filter = filterOf({
      ...{ project, q, limit: 1 },
      tags: tags === undefined ? undefined : [...tags],
    });
    this.parameters = filter.parameters;
    this.#runFilter = filter.sql;
    for (const condition of parseConditions(config)) {
      this.#attemptFilters.push(this.#conditionSql(condition));
    }
  }

  /** What stands for the value in the SQL. */
  add(value: unknown, type: string): string {
    return `$${this.parameters.push(value)}::${type}`;
  }

  /** A setting of an attempt as JSON; NULL where it is not set. */
  settingSql(path: string): string {
    if (OPTIMIZER_PATHS.some((known) => known === path)) {
      const field = this.add(path.slice('optimizer.'.length), 'text');
      return `attempt.optimizer -> ${field}`;
    }
    if (path === 'parameters') return `to_jsonb(${this.sizeSql()})`;
    if (path === 'layers') return 'to_jsonb(run.layer_count)';
    const inConfig = path.startsWith('config.') ? path.slice('config.'.length) : path;
    // Some post flat keys with dots in them, some nest.
    const whole = this.add(inConfig, 'text');
    const parts = this.add(inConfig.split('.'), 'text[]');
    return `nullif(coalesce(run.config -> ${whole}, run.config #> ${parts}), 'null'::jsonb)`;
  }

  /** How many parameters the run's layers have together. */
  sizeSql(): string {
    this.#needsSize = true;
    return 'size.parameters';
  }

  #conditionSql({ path, operator, value }: RunCondition): string {
    const setting = this.settingSql(path);
    const number = isNumberText(value) ? this.add(value, 'numeric') : null;
    const numeric = (comparison: string): string =>
      number === null
        ? 'false'
        : `CASE WHEN jsonb_typeof(${setting}) = 'number' THEN (${setting} #>> '{}')::numeric ${comparison} ${number} ELSE false END`;
    if (operator === '=' || operator === '!=') {
      const equal = `(${setting} #>> '{}') = ${this.add(value, 'text')} OR ${numeric('=')}`;
      // Another value is one that is set.
      return operator === '=' ? equal : `(${setting}) IS NOT NULL AND NOT (${equal})`;
    }
    return numeric(operator);
  }

  /**
   * The common table expression `considered`, with further columns by their SQL over run,
   * attempt, size and edge. To be written last: conditions and columns decide what it joins.
   */
  consideredSql(columns: Readonly<Record<string, string>> = {}): string {
    const more = Object.entries(columns).map(([name, sql]) => `, ${sql} AS ${name}`);
    const size = `LEFT JOIN LATERAL (
        SELECT sum(layer.parameter_count) AS parameters FROM layer WHERE layer.run = run.run
      ) AS size ON true`;
    const filters = this.#attemptFilters.map((sql) => `(${sql})`);
    return `chosen AS MATERIALIZED (SELECT run.* FROM run WHERE ${this.#runFilter}),
    considered AS MATERIALIZED (
      SELECT run.run, attempt.attempt, edge.first_step, edge.last_step,
        coalesce(edge.last_step - edge.first_step + 1, 0) AS steps,
        ${hasEndedSql('attempt.attempt')} AS has_ended${more.join('')}
      FROM chosen AS run JOIN attempt ON attempt.run = run.run
      ${this.#needsSize ? size : ''}
      CROSS JOIN LATERAL (
        SELECT (SELECT step FROM step WHERE step.run = run.run AND step.attempt = attempt.attempt
            ORDER BY step LIMIT 1) AS first_step,
          (SELECT step FROM step WHERE step.run = run.run AND step.attempt = attempt.attempt
            ORDER BY step DESC LIMIT 1) AS last_step
        -- Else both would be probed wherever they are named.
        OFFSET 0
      ) AS edge
      ${filters.length === 0 ? '' : `WHERE ${filters.join(' AND ')}`}
    )`;
  }
}
