/** The steps around everything that detectors found: what is kept whole and exact of a run. */
import type { ClientBase } from 'pg';
import type { Interval } from '../compaction/intervals';

/** On both sides: what moved before a spike, and what it left behind. */
const SURROUNDING_STEPS = 500;

/**
 * Steps [from, to) around the run's spikes of every kind and around its warnings, whatever
 * their attempt, that meet `range`. In no order; reads all that were found in the run.
 */
export async function findAnomalySurroundings(
  client: ClientBase,
  runKey: string,
  range: Interval,
): Promise<Interval[]> {
  const { rows } = await client.query<{ first: string; last: string }>({
    name: 'find_anomaly_surroundings',
    text: `SELECT first, last FROM (
        SELECT least(onset_step, rise_step) AS first,
          greatest(onset_step, confirmed_step, peak_step, recovered_step) AS last
        FROM spike WHERE run = $1
        UNION ALL
        SELECT from_step, from_step FROM warning WHERE run = $1
        UNION ALL
        SELECT peak_step, peak_step FROM warning WHERE run = $1
      ) AS anomaly WHERE first < $3 AND last >= $2`,
    values: [runKey, range.from - SURROUNDING_STEPS, range.to + SURROUNDING_STEPS],
  });
  return rows.map(({ first, last }) => ({
    from: Number(first) - SURROUNDING_STEPS,
    to: Number(last) + SURROUNDING_STEPS + 1,
  }));
}
