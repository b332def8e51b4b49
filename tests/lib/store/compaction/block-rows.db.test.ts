import { describe, expect, it } from 'vitest';
import {
  CopyRows,
  decodeMetricBlock,
  decodeMetricRollup,
  decodeScalarRollup,
  METRIC_BLOCK_COLUMNS,
  METRIC_BLOCK_TARGET,
  METRIC_ROLLUP_COLUMNS,
  METRIC_ROLLUP_TARGET,
  SCALAR_ROLLUP_COLUMNS,
  SCALAR_ROLLUP_TARGET,
} from '@/lib/store/compaction/block-rows';
import { decodeBlockValues } from '@/lib/store/compaction/block-values';
import { CopyIn } from '@/lib/store/postgres/copy-binary';
import { runKeyOf, uuidBytes } from '@/lib/store/runs/run-key';
import { useDatabase } from '@/tests/database';
import { withClient } from './compactor';

const database = useDatabase();
const runKey = runKeyOf('rows');
const key = { runBytes: uuidBytes(runKey), attempt: 3 };

const copyIn = (target: string, rows: CopyRows) =>
  withClient(database.url, (client) => client.query(new CopyIn(target, rows.finish())).done);

describe('rows of COPY', () => {
  it('bring a block back to the bit, small or large', async () => {
    const rows = new CopyRows();
    const blocks = [3, 3000].map((layerCount, metricId) => {
      const bits = Uint32Array.from({ length: layerCount * 2 }, (_, index) => 0x7fe5ca1e - index);
      const offsets = Uint16Array.of(1, 16_383);
      const values = new Float32Array(bits.buffer);
      return { metricId, firstStep: 16_384 * 70_000, span: 16_384, offsets, values };
    });
    for (const block of blocks) rows.addBlock(key, block);
    await copyIn(METRIC_BLOCK_TARGET, rows);
    const found: unknown[] = [];
    await database.db.copyRows(
      `SELECT ${METRIC_BLOCK_COLUMNS} FROM metric_block WHERE run = '${runKey}' ORDER BY metric`,
      (row) => {
        const block = decodeMetricBlock(row);
        found.push({ ...block, values: new Uint32Array(block.values.buffer) });
      },
    );
    expect(found).toEqual(
      blocks.map((block) => ({ ...block, values: new Uint32Array(block.values.buffer) })),
    );
  });

  it('bring rollup rows back, with and without exceptions', async () => {
    const rollup = {
      slots: Uint8Array.of(0, 63),
      reported: Int32Array.of(16, 1),
      minimum: Float32Array.of(1, NaN, 3, -Infinity),
      maximum: Float32Array.of(5, 6, 7, 8),
      mean: Float32Array.of(0.5, 1.5, 2.5, 3.5),
      exceptions: null,
    };
    const places = [
      { metricId: 2, level: 5, block: 1, rollup, isOfRounded: false },
      {
        metricId: 2,
        level: 5,
        block: 2 ** 40,
        rollup: { ...rollup, exceptions: new Uint32Array(8).fill(7) },
        isOfRounded: true,
      },
    ];
    const rows = new CopyRows();
    for (const place of places) rows.addMetricRollup(key, place);
    await copyIn(METRIC_ROLLUP_TARGET, rows);
    const found: unknown[] = [];
    await database.db.copyRows(
      `SELECT ${METRIC_ROLLUP_COLUMNS} FROM metric_rollup WHERE run = '${runKey}' ORDER BY block`,
      (row) => found.push(decodeMetricRollup(row)),
    );
    expect(found).toEqual(places);
  });

  it('bring rows of scalars back', async () => {
    const place = {
      level: 1,
      block: 9,
      rollup: {
        slots: Uint8Array.of(7, 8),
        firstSteps: Float64Array.of(5, 2 ** 52),
        lastSteps: Float64Array.of(6, 2 ** 52 + 1),
        scalarIds: [-1, 4],
        minimum: Float64Array.of(1e300, NaN, 2, 3),
        maximum: Float64Array.of(1, 2, 3, 4),
        mean: Float64Array.of(1, 2, 3, 5),
        last: Float64Array.of(Infinity, NaN, 0, 1),
        finite: Uint32Array.of(1, 0, 2, 3),
        nonFinite: Uint32Array.of(0, 1, 0, 4_000_000_000),
      },
    };
    const rows = new CopyRows();
    rows.addScalarRollup(key, place);
    await copyIn(SCALAR_ROLLUP_TARGET, rows);
    const found: unknown[] = [];
    await database.db.copyRows(
      `SELECT ${SCALAR_ROLLUP_COLUMNS} FROM scalar_rollup WHERE run = '${runKey}'`,
      (row) => found.push(decodeScalarRollup(row)),
    );
    expect(found).toEqual([place]);
  });

  it('refuse a codec that is not known', () => {
    expect(() => decodeBlockValues(99, new Uint8Array(4), 1)).toThrow(RangeError);
  });
});
