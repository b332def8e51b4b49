/** Writes what detectors say of spikes, over what they said before. */
import type { PoolClient } from 'pg';
import type { Spike } from '../../contract/reads';
import { floatsParameter } from '../postgres/binary-writer';

export interface SpikeToSave {
  /** `attempt` is the spike's own. */
  readonly spike: Spike;
  /** Taken over from an older attempt: changed where it is known, never added. */
  readonly isInherited: boolean;
}

/** At most one an id. One statement, by primary key. */
export async function upsertSpikes(
  client: PoolClient,
  runKey: string,
  found: readonly SpikeToSave[],
): Promise<void> {
  const spikes = found.map(({ spike }) => spike);
  await client.query({
    name: 'upsert_spikes',
    text: `INSERT INTO spike (run, id, attempt, kind, onset_step, confirmed_step, rise_step, peak_step,
        peak_value, baseline, recovered_step, recovery, excess_area, level_shift, first_movers, mover_count,
        global_movers, verdict, precursor_chance, chance_steps, reevaluation)
      SELECT $1::uuid, id, attempt, kind, onset_step, confirmed_step, rise_step, peak_step, peak_value, baseline,
        recovered_step, recovery, excess_area, level_shift, first_movers, mover_count, global_movers, verdict,
        precursor_chance, chance_steps, reevaluation
      FROM unnest($2::text[], $3::int[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
        $9::float8[], $10::float8[], $11::bigint[], $12::text[], $13::float8[], $14::float8[], $15::jsonb[],
        $16::int[], $17::jsonb[], $18::text[], $19::float8[], $20::bigint[], $21::jsonb[], $22::boolean[])
        AS found (id, attempt, kind, onset_step, confirmed_step, rise_step, peak_step, peak_value, baseline,
          recovered_step, recovery, excess_area, level_shift, first_movers, mover_count, global_movers, verdict,
          precursor_chance, chance_steps, reevaluation, is_inherited)
      WHERE NOT is_inherited
        OR EXISTS (SELECT 1 FROM spike AS known WHERE known.run = $1::uuid AND known.id = found.id)
      ON CONFLICT (run, id) DO UPDATE SET onset_step = excluded.onset_step,
        confirmed_step = excluded.confirmed_step, rise_step = excluded.rise_step,
        peak_step = excluded.peak_step, peak_value = excluded.peak_value, baseline = excluded.baseline,
        recovered_step = excluded.recovered_step, recovery = excluded.recovery,
        excess_area = excluded.excess_area, level_shift = excluded.level_shift,
        first_movers = excluded.first_movers, mover_count = excluded.mover_count,
        global_movers = excluded.global_movers, verdict = excluded.verdict,
        precursor_chance = excluded.precursor_chance, chance_steps = excluded.chance_steps,
        reevaluation = excluded.reevaluation`,
    values: [
      runKey,
      spikes.map(({ id }) => id),
      spikes.map(({ attempt }) => attempt),
      spikes.map(({ kind }) => kind),
      spikes.map(({ onsetStep }) => onsetStep),
      spikes.map(({ confirmedStep }) => confirmedStep),
      spikes.map(({ riseStep }) => riseStep),
      spikes.map(({ peakStep }) => peakStep),
      floatsParameter(spikes.map(({ peakValue }) => peakValue)),
      floatsParameter(spikes.map(({ baseline }) => baseline)),
      spikes.map(({ recoveredStep }) => recoveredStep),
      spikes.map(({ recovery }) => recovery),
      floatsParameter(spikes.map(({ excessArea }) => excessArea)),
      floatsParameter(spikes.map(({ levelShift }) => levelShift)),
      spikes.map(({ firstMovers }) => JSON.stringify(firstMovers)),
      spikes.map(({ moverCount }) => moverCount),
      spikes.map(({ globalMovers }) => JSON.stringify(globalMovers)),
      spikes.map(({ verdict }) => verdict),
      floatsParameter(spikes.map(({ precursorChance }) => precursorChance)),
      spikes.map(({ chanceSteps }) => chanceSteps),
      spikes.map(({ reevaluation }) =>
        reevaluation === null ? null : JSON.stringify(reevaluation),
      ),
      found.map(({ isInherited }) => isInherited),
    ],
  });
}
