/**
 * A long run as compaction leaves it, written by COPY through compaction's own packers: in
 * seconds, where posting a million frames takes hours. The last steps are hot, as a live
 * run's are.
 */
import pg from 'pg';
import { BinaryWriter } from '../../lib/store/postgres/binary-writer';
import {
  alignDown,
  BLOCK_STEPS,
  isWorthKeeping,
  rowSteps,
} from '../../lib/store/compaction/block-layout';
import {
  type AttemptKey,
  CopyRows,
  METRIC_BLOCK_TARGET,
  METRIC_ROLLUP_TARGET,
  SCALAR_ROLLUP_TARGET,
} from '../../lib/store/compaction/block-rows';
import { MetricRollupAccumulator } from '../../lib/store/compaction/metric-rollup';
import { ScalarRollupAccumulator, WALL_TIME_ID } from '../../lib/store/compaction/scalar-rollup';
import { CopyIn } from '../../lib/store/postgres/copy-binary';
import { createRun } from '../../lib/store/runs/create-run';
import { type Database } from '../../lib/store/database';
import { uuidBytes } from '../../lib/store/runs/run-key';
import { seededRandom } from '../../tests/seeded-random';

export interface LongRun {
  readonly id: string;
  readonly layerCount: number;
  readonly stepCount: number;
  /** Without, blocks are written for the last steps alone: reads of rollups need no others. */
  readonly hasAllBlocks: boolean;
  /** One cell that stands out. */
  readonly extreme?: { readonly step: number; readonly layer: number; readonly value: number };
  readonly layerName?: (index: number) => string;
}

export const METRIC = 'gradient_norm';
/** What an open span needs beyond its end to count as sealed. */
const SEAL_DISTANCE = 64;
const SCALARS = ['loss', 'learning_rate', 'gradient_norm'];
/** Rows of one COPY. */
const STEPS_A_COPY = 16 * 1024;

export async function loadLongRun(db: Database, url: string, run: LongRun): Promise<void> {
  const { runKey } = await createRun(db, {
    project: 'bench',
    id: run.id,
    optimizer: { name: 'adamw', beta1: 0.9, beta2: 0.95 },
    layers: Array.from({ length: run.layerCount }, (_, index) => ({
      name: run.layerName?.(index) ?? `layer.${index}`,
      parameterCount: 1000,
    })),
  });
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(
      `INSERT INTO metric (run, kind, metric, name)
       SELECT $1::uuid, 'scalar', number - 1, name FROM unnest($2::text[]) WITH ORDINALITY AS scalar (name, number)
       UNION ALL SELECT $1::uuid, 'layer', 0, $3`,
      [runKey, SCALARS, METRIC],
    );
    await new RunLoader(client, { runBytes: uuidBytes(runKey), attempt: 1 }, run).load();
  } finally {
    await client.end();
  }
}

/** A row of one level that is being summed up. */
interface OpenRow {
  readonly layers: MetricRollupAccumulator;
  scalars: ScalarRollupAccumulator;
  /** Columns that it sums up: steps, or buckets of the level below. */
  inputs: number;
}

class RunLoader {
  readonly #random = seededRandom(1);
  readonly #blocksTo: number;
  readonly #rolledTo: number[] = [];
  readonly #levels: OpenRow[] = [];
  #blocks = new CopyRows();
  #layerRollups = new CopyRows();
  #scalarRollups = new CopyRows();
  #steps = new BinaryWriter(1 << 20);

  constructor(
    private readonly client: pg.Client,
    private readonly key: AttemptKey,
    private readonly run: LongRun,
  ) {
    const { stepCount, layerCount } = run;
    this.#blocksTo = alignDown(stepCount - 1 - SEAL_DISTANCE, BLOCK_STEPS);
    for (let level = 0; rowSteps(level) <= this.#blocksTo; level++) {
      this.#rolledTo.push(alignDown(this.#blocksTo, rowSteps(level)));
      this.#levels.push({
        layers: new MetricRollupAccumulator(layerCount),
        scalars: new ScalarRollupAccumulator(level, 0),
        inputs: 0,
      });
    }
  }

  async load(): Promise<void> {
    this.#steps.copyHeader();
    this.#beginRow(0, 0);
    for (let level = 1; level < this.#levels.length; level++) this.#beginRow(level, 0);
    for (let step = 0; step < this.#blocksTo; step += BLOCK_STEPS) {
      this.#addBlock(step);
      if ((step + BLOCK_STEPS) % rowSteps(0) === 0) this.#endRow(0, step + BLOCK_STEPS);
      if ((step + BLOCK_STEPS) % STEPS_A_COPY === 0) await this.#send();
    }
    await this.#send();
    await this.#sendHotFrames();
    await this.client.query(
      'INSERT INTO compaction_state (run, attempt, blocks_to, rolled_to) VALUES ($1, 1, $2, $3)',
      [this.key.runBytes, this.#blocksTo, this.#rolledTo],
    );
  }

  #lossAt(step: number): number {
    return 2 + 8 / (1 + step / 1000) + this.#random() / 10;
  }

  #valueAt(step: number, layer: number): number {
    const { extreme } = this.run;
    if (step === extreme?.step && layer === extreme.layer) return extreme.value;
    return 1 + layer / 100 + this.#random() + (step % 99_991 === 0 ? 1000 : 0);
  }

  #addStep(step: number): void {
    const values: [number, number][] = [
      [0, this.#lossAt(step)],
      [1, 1e-3],
      [2, 1 + this.#random()],
    ];
    const row = this.#steps;
    row.row(9);
    row.uuid(this.key.runBytes);
    row.int4(1);
    row.int8(step);
    for (const [, value] of values) row.float8(value);
    row.float8(1.7e9 + step);
    row.array('int2', 0, () => undefined);
    row.array('float8', 0, () => undefined);
    const [first] = this.#levels;
    if (first !== undefined && step < (this.#rolledTo[0] ?? 0)) {
      first.scalars.addStep(step, [...values, [WALL_TIME_ID, 1.7e9 + step]]);
      first.inputs++;
    }
  }

  #addBlock(firstStep: number): void {
    const { layerCount, hasAllBlocks } = this.run;
    const values = new Float32Array(layerCount * BLOCK_STEPS);
    for (let layer = 0, at = 0; layer < layerCount; layer++) {
      for (let index = 0; index < BLOCK_STEPS; index++, at++) {
        values[at] = this.#valueAt(firstStep + index, layer);
      }
    }
    const offsets = Uint16Array.from({ length: BLOCK_STEPS }, (_, index) => index);
    if (hasAllBlocks || firstStep >= (this.#rolledTo[0] ?? 0)) {
      this.#blocks.addBlock(this.key, {
        metricId: 0,
        firstStep,
        span: BLOCK_STEPS,
        offsets,
        values,
      });
    }
    for (let index = 0; index < BLOCK_STEPS; index++) this.#addStep(firstStep + index);
    if (firstStep < (this.#rolledTo[0] ?? 0)) {
      this.#levels[0]?.layers.addBlock(firstStep, offsets, values);
    }
  }

  #beginRow(level: number, block: number): void {
    const row = this.#levels[level];
    if (row === undefined) return;
    row.layers.begin(level, block);
    row.scalars = new ScalarRollupAccumulator(level, block);
    row.inputs = 0;
  }

  /** Ends the row of `level` that ends with `endStep`, and those above that end there too. */
  #endRow(level: number, endStep: number): void {
    const row = this.#levels[level];
    if (row === undefined || endStep > (this.#rolledTo[level] ?? 0)) return;
    const block = endStep / rowSteps(level) - 1;
    const layers = row.layers.finish();
    const scalars = row.scalars.finish();
    if (layers === null || scalars === null) throw new Error('a row of a dense run is empty');
    if (!isWorthKeeping(row.inputs, layers.slots.length)) throw new Error('a dense row pays');
    this.#layerRollups.addMetricRollup(this.key, {
      ...{ metricId: 0, level, block, rollup: layers },
      isOfRounded: false,
    });
    this.#scalarRollups.addScalarRollup(this.key, { level, block, rollup: scalars });
    const above = this.#levels[level + 1];
    if (above !== undefined && endStep <= (this.#rolledTo[level + 1] ?? 0)) {
      above.layers.addRollup(level, block, layers);
      above.scalars.addRollup(scalars);
      above.inputs += layers.slots.length;
      if (endStep % rowSteps(level + 1) === 0) this.#endRow(level + 1, endStep);
    }
    this.#beginRow(level, block + 1);
  }

  async #send(): Promise<void> {
    for (const [target, rows] of [
      [METRIC_BLOCK_TARGET, this.#blocks],
      [METRIC_ROLLUP_TARGET, this.#layerRollups],
      [SCALAR_ROLLUP_TARGET, this.#scalarRollups],
    ] as const) {
      await this.client.query(new CopyIn(target, rows.finish())).done;
    }
    this.#blocks = new CopyRows();
    this.#layerRollups = new CopyRows();
    this.#scalarRollups = new CopyRows();
    await this.#sendSteps();
  }

  async #sendSteps(): Promise<void> {
    this.#steps.copyTrailer();
    const target =
      'step (run, attempt, step, loss, learning_rate, gradient_norm, wall_time, scalar_ids, scalar_values)';
    await this.client.query(new CopyIn(target, this.#steps.finish())).done;
    this.#steps = new BinaryWriter(1 << 20);
    this.#steps.copyHeader();
  }

  async #sendHotFrames(): Promise<void> {
    const { layerCount, stepCount } = this.run;
    const frames = new BinaryWriter(1 << 20);
    frames.copyHeader();
    for (let step = this.#blocksTo; step < stepCount; step++) {
      this.#addStep(step);
      const values = Float32Array.from({ length: layerCount }, (_, layer) =>
        this.#valueAt(step, layer),
      );
      frames.row(7);
      frames.uuid(this.key.runBytes);
      frames.int4(1);
      frames.int8(step);
      frames.int4(0);
      frames.int4(layerCount);
      frames.array('int2', 1, () => {
        frames.int2(0);
      });
      frames.bytea([new Uint8Array(values.buffer)]);
    }
    frames.copyTrailer();
    const target =
      'hot_frame (run, attempt, step, layer_offset, layer_count, metric_ids, "values")';
    await this.client.query(new CopyIn(target, frames.finish())).done;
    await this.#sendSteps();
  }
}
