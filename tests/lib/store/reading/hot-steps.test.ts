import { expect, it } from 'vitest';
import { bitsOf, MISSING_FLOAT32_BITS } from '@/lib/contract/missing-value';
import { StepAssembler, StepTransposer } from '@/lib/store/reading/hot-steps';
import { toColumn, type Cell } from '@/tests/lib/store/compaction/brute-rollup';

const shard = (...cells: Cell[]): Buffer => Buffer.from(toColumn(cells).buffer);

function cellsOf(values: Float32Array): Cell[] {
  const bits = bitsOf(values);
  return Array.from(values, (value, index) =>
    bits[index] === MISSING_FLOAT32_BITS ? null : value,
  );
}

it('puts shards together to steps, the first one standing where they overlap', () => {
  const steps: unknown[] = [];
  const assembler = new StepAssembler(4, (attempt, step, values) => {
    steps.push([attempt, step, cellsOf(values)]);
  });
  assembler.add(1, 5, 0, shard(1, null));
  assembler.add(1, 5, 1, shard(2, 3));
  assembler.add(1, 5, 2, shard(9, NaN));
  assembler.add(1, 7, 3, shard(4));
  // The same step of another attempt is another one.
  assembler.add(2, 7, 0, shard(5));
  assembler.finish();
  assembler.finish();
  expect(steps).toEqual([
    [1, 5, [1, 2, 3, NaN]],
    [1, 7, [null, null, null, 4]],
    [2, 7, [5, null, null, null]],
  ]);
});

it('turns steps into blocks of at most 64, all bits kept', () => {
  const layers = 3;
  const seen: [number, Cell[]][] = [];
  const transposer = new StepTransposer(layers, (steps, values) => {
    expect(steps.length).toBeLessThanOrEqual(64);
    const cells = cellsOf(values);
    steps.forEach((step, index) => {
      seen.push([step, [0, 1, 2].map((layer) => cells[layer * steps.length + index]!)]);
    });
  });
  const columns = Array.from({ length: 150 }, (_, step): [number, Cell[]] => [
    step * 2,
    [step, step % 7 === 0 ? null : -step, step % 5 === 0 ? Infinity : step / 3],
  ]).map(([step, cells]): [number, Cell[]] => [step, cellsOf(toColumn(cells))]);
  for (const [step, cells] of columns) transposer.add(step, toColumn(cells));
  transposer.flush();
  transposer.flush();
  expect(seen).toEqual(columns);
});
