import { expect, it } from 'vitest';
import { createRun } from '@/lib/store/runs/create-run';
import { aFrame } from '@/tests/builders/frame';
import { aRun } from '@/tests/builders/run';
import { useDatabase } from '@/tests/database';

const database = useDatabase();

it('keeps scalars to the bit, with and without a column of their own', async () => {
  const { runKey } = await createRun(database.db, aRun({ id: 'odd-scalars' }));
  const odd = [NaN, Infinity, -Infinity, -0, 0, 5e-324, 0.1 + 0.2];
  await database.writer.write(
    odd.map((value, step) => ({
      ...{ runKey, attempt: 1, layerOffset: 0 },
      frame: aFrame(step, { loss: value, scalars: { custom: value, other: -0 } }),
    })),
  );
  const { rows } = await database.db.pool.query<{ bits: string[] }>(
    `SELECT ARRAY(SELECT encode(float8send(value), 'hex') FROM unnest(loss || scalar_values) AS value ORDER BY 1) AS bits
     FROM step WHERE run = $1 ORDER BY step`,
    [runKey],
  );
  const hex = (value: number): string => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    return bytes.toString('hex');
  };
  expect(rows.map(({ bits }) => bits)).toEqual(
    odd.map((value) => [hex(value), hex(value), hex(-0)].sort()),
  );
});
