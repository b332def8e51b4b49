import { expect, it } from 'vitest';
import { createRun } from '@/lib/store/runs/create-run';
import { upsertSpikes } from '@/lib/store/findings/save-spikes';
import { upsertWarnings } from '@/lib/store/findings/warnings';
import { aRun } from '@/tests/builders/run';
import { aSpike } from '@/tests/builders/spike';
import { useDatabase } from '@/tests/database';

const database = useDatabase();

/** What a detector may say of a peak: neighbours that a text or a shared parameter would confuse. */
const ODD = [NaN, Infinity, -Infinity, 5e-324, 1.7976931348623157e308, -0, 0, 0.1 + 0.2, 2 ** 53];

/** Each with its bits, as text: −0 and 0 are told apart. */
const bitsOf = (values: readonly (number | null)[]): (string | null)[] =>
  values.map((value) => {
    if (value === null) return null;
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    return bytes.toString('hex');
  });

async function storedBits(sql: string, runKey: string): Promise<(string | null)[][]> {
  const { rows } = await database.db.pool.query<{ bits: (string | null)[] }>(sql, [runKey]);
  return rows.map(({ bits }) => bits);
}

it('keeps every number of a spike to the bit, whatever stands beside it', async () => {
  const { runKey } = await createRun(database.db, aRun({ id: 'odd-peaks' }));
  const numbersOf = (index: number) => ({
    peakValue: ODD[index % ODD.length]!,
    baseline: index % 2 === 0 ? null : ODD[(index + 1) % ODD.length]!,
    excessArea: ODD[(index + 2) % ODD.length]!,
    levelShift: ODD[(index + 3) % ODD.length]!,
    precursorChance: ODD[(index + 4) % ODD.length]!,
  });
  const spikes = ODD.map((_, index) => aSpike({ id: `peak-${index}`, ...numbersOf(index) }));
  const client = await database.db.pool.connect();
  const save = (shift: number) =>
    upsertSpikes(
      client,
      runKey,
      spikes.map((spike, index) => ({
        spike: { ...spike, ...numbersOf(index + shift) },
        isInherited: false,
      })),
    );
  // Written, and written over.
  for (const shift of [3, 0]) {
    await save(shift);
    const stored = await storedBits(
      `SELECT ARRAY(SELECT encode(float8send(value), 'hex') FROM unnest(ARRAY[peak_value, baseline, excess_area, level_shift, precursor_chance])
         WITH ORDINALITY AS cell (value, at) ORDER BY at) AS bits
       FROM spike WHERE run = $1 ORDER BY id`,
      runKey,
    );
    expect(stored).toEqual(ODD.map((_, index) => bitsOf(Object.values(numbersOf(index + shift)))));
  }
  client.release();
});

it('keeps every number of a warning to the bit', async () => {
  const { runKey } = await createRun(database.db, aRun({ id: 'odd-warnings' }));
  const client = await database.db.pool.connect();
  await upsertWarnings(
    client,
    runKey,
    ODD.map((peakValue, index) => ({
      ...{ id: `warning-${index}`, attempt: 1, kind: 'curvature_doubled' as const },
      ...{ fromStep: 1, toStep: null, peakStep: 2, peakValue },
      learningRate: ODD[(index + 1) % ODD.length]!,
    })),
  );
  client.release();
  const stored = await storedBits(
    `SELECT ARRAY[encode(float8send(peak_value), 'hex'), encode(float8send(learning_rate), 'hex')] AS bits
     FROM warning WHERE run = $1 ORDER BY id`,
    runKey,
  );
  expect(stored).toEqual(
    ODD.map((value, index) => bitsOf([value, ODD[(index + 1) % ODD.length]!])),
  );
});
