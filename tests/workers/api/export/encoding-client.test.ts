import { parquetReadObjects } from 'hyparquet';
import { expect, it } from 'vitest';
import type { ExportBatch, ExportColumn } from '@/lib/query/export/export-batch';
import { bitsOf, MISSING_FLOAT32_BITS } from '@/lib/contract/missing-value';
import { openEncoder } from '@/workers/api/export/encoding-client';

const COLUMNS: readonly ExportColumn[] = [
  { name: 'step', type: 'int64' },
  { name: 'rms', type: 'float32' },
];
/** More than a row group. */
const ROWS = 100_000;
const BATCHES = 4;

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

const FORMATS = ['csv', 'jsonl', 'parquet'] as const;

async function readRows(format: (typeof FORMATS)[number], bytes: Buffer): Promise<unknown[]> {
  switch (format) {
    case 'csv': {
      const [head, ...lines] = bytes.toString().trimEnd().split('\r\n');
      expect(head).toBe('step,rms');
      return lines.map((line) => {
        const [step = '', rms = ''] = line.split(',');
        return { step: Number(step), rms: rms === '' ? null : Number(rms) };
      });
    }
    case 'jsonl':
      return bytes
        .toString()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown);
    case 'parquet': {
      const rows = await parquetReadObjects({ file: Uint8Array.from(bytes).buffer });
      return rows.map(({ step, rms }) => ({ step: Number(step), rms: rms as number | null }));
    }
  }
}

it.each(FORMATS)('writes %s while this thread goes on with other things', async (format) => {
  const encoder = openEncoder(format, COLUMNS);
  const pieces: Uint8Array[] = [];
  let turns = 0;
  let isDone = false;
  const others = (async () => {
    while (!isDone) {
      await new Promise((resolve) => setImmediate(resolve));
      turns++;
    }
  })();
  const turnsOf: number[] = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    const before = turns;
    const piece = await encoder.encode(aBatch(batch * ROWS));
    if (piece !== null) pieces.push(piece);
    turnsOf.push(turns - before);
  }
  // Not of each: a busy machine may let this thread wait for as long as a batch takes.
  expect(Math.max(...turnsOf)).toBeGreaterThan(10);
  const end = await encoder.end();
  if (end !== null) pieces.push(end);
  isDone = true;
  await others;
  encoder.close();
  const rows = await readRows(format, Buffer.concat(pieces));
  expect(rows).toHaveLength(BATCHES * ROWS);
  expect(rows.slice(0, 3)).toEqual([
    { step: 0, rms: 0 },
    { step: 1, rms: null },
    { step: 2, rms: Math.fround(2 / 3) },
  ]);
  const last = BATCHES * ROWS - 1;
  expect(rows.at(-1)).toEqual({ step: last, rms: Math.fround(last / 3) });
});

it('says what is wrong with one file and goes on with another', async () => {
  const [encoder, other] = [openEncoder('parquet', COLUMNS), openEncoder('parquet', COLUMNS)];
  const broken: ExportBatch = { rowCount: 100_000, completeStep: null, cells: [] };
  await expect(encoder.encode(broken)).rejects.toThrow('a batch is without its column step');
  await expect(encoder.end()).rejects.toThrow('the file is not open');
  encoder.close();
  const pieces = [(await other.encode(aBatch(7)))!, (await other.end())!];
  other.close();
  const rows = await parquetReadObjects({ file: Uint8Array.from(Buffer.concat(pieces)).buffer });
  expect(rows.map(({ step }) => step as bigint)).toEqual(
    Array.from({ length: ROWS }, (_, row) => BigInt(7 + row)),
  );
});
