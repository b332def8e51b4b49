import { parquetReadObjects } from 'hyparquet';
import { expect, it } from 'vitest';
import type { ExportBatch, ExportColumn } from '@/lib/query/export/export-batch';
import { bitsOf, MISSING_FLOAT32_BITS } from '@/lib/contract/missing-value';
import { openParquetEncoder } from '@/workers/api/export/parquet-client';

const COLUMNS: readonly ExportColumn[] = [
  { name: 'step', type: 'int64' },
  { name: 'rms', type: 'float32' },
];
/** More than a row group. */
const ROWS = 100_000;

function aBatch(firstStep: number): ExportBatch {
  const values = Float32Array.from({ length: ROWS }, (_, row) => (firstStep + row) / 3);
  bitsOf(values)[1] = MISSING_FLOAT32_BITS;
  return {
    rowCount: ROWS,
    completeStep: firstStep + ROWS - 1,
    cells: [
      { kind: 'list', values: Array.from({ length: ROWS }, (_, row) => firstStep + row) },
      { kind: 'float32', values },
    ],
  };
}

it('writes what it is given while this thread goes on with other things', async () => {
  const encoder = openParquetEncoder(COLUMNS);
  const pieces: Uint8Array[] = [];
  let turns = 0;
  let isDone = false;
  const others = (async () => {
    while (!isDone) {
      await new Promise((resolve) => setImmediate(resolve));
      turns++;
    }
  })();
  for (const firstStep of [0, ROWS]) {
    const before = turns;
    for await (const piece of encoder.encode(aBatch(firstStep))) pieces.push(piece);
    expect(turns - before).toBeGreaterThan(10);
  }
  const end = await encoder.end();
  if (end !== null) pieces.push(end);
  isDone = true;
  await others;
  encoder.close?.();
  expect(pieces.length).toBe(3);
  const rows = await parquetReadObjects({ file: Uint8Array.from(Buffer.concat(pieces)).buffer });
  expect(rows).toHaveLength(2 * ROWS);
  expect(rows.slice(0, 3)).toEqual([
    { step: 0n, rms: 0 },
    { step: 1n, rms: null },
    { step: 2n, rms: Math.fround(2 / 3) },
  ]);
  expect(rows.at(-1)).toEqual({
    step: BigInt(2 * ROWS - 1),
    rms: Math.fround((2 * ROWS - 1) / 3),
  });
});

it('says what is wrong with one file and goes on with another', async () => {
  const [encoder, other] = [openParquetEncoder(COLUMNS), openParquetEncoder(COLUMNS)];
  const broken: ExportBatch = { rowCount: 100_000, completeStep: null, cells: [] };
  const encode = async () => {
    for await (const piece of encoder.encode(broken)) expect(piece).toBeNull();
  };
  await expect(encode()).rejects.toThrow('a batch is without its column step');
  await expect(encoder.end()).rejects.toThrow('the file is not open');
  encoder.close?.();
  const pieces: Uint8Array[] = [];
  for await (const piece of other.encode(aBatch(7))) pieces.push(piece);
  pieces.push((await other.end())!);
  other.close?.();
  const rows = await parquetReadObjects({ file: Uint8Array.from(Buffer.concat(pieces)).buffer });
  expect(rows.map(({ step }) => step as bigint)).toEqual(
    Array.from({ length: ROWS }, (_, row) => BigInt(7 + row)),
  );
});
