/**
 * Layer metrics step by step: one row for each layer that reported any of the metrics.
 *
 *   a window of steps, in a snapshot of its own ▶ [metric][step][layer] ▶ batches of rows
 *
 * No snapshot outlives its window, so that a reader who takes hours holds no connection and
 * keeps no removed row alive.
 */
import { MISSING_FLOAT32_BITS, bitsOf } from '../../contract/missing-value';
import type { LayerRange } from '../../contract/exports';
import { runScans } from '../../store/reading/covered-scan';
import type { Database } from '../../store/database';
import { lowerBound } from '../../store/reading/cover';
import type { ReadableRun } from '../../store/reading/readable-run';
import { LayerScan, type LayerSink } from '../../store/reading/scan-layers';
import { findStepPage } from '../../store/reading/step-pages';
import { findStepWindow } from '../../store/reading/step-window';
import type { Segment } from '../../store/runs/trajectory';
import { requireRun } from '../find-run';
import type { ExportBatch } from './export-batch';

/** 8 MB of cells: some blocks of each metric, so that few are read twice. */
const CELLS_A_WINDOW = 2 * 1024 * 1024;
const MOST_STEPS_A_WINDOW = 4096;
/** Written in some ten milliseconds; others are answered in between. */
const CELLS_A_BATCH = 64 * 1024;

export interface LayerExport {
  readonly run: ReadableRun;
  /** Ascending in steps. */
  readonly segments: readonly Segment[];
  readonly metrics: readonly string[];
  readonly layers: readonly number[];
}

interface Window {
  readonly attempt: number;
  /** [n] reported steps */
  readonly steps: readonly number[];
  /** One a metric: [n][L] */
  readonly cells: readonly Float32Array[];
}

/** Memory  of one window, whatever the range */
export async function* exportLayers(db: Database, query: LayerExport): AsyncGenerator<ExportBatch> {
  const { run, segments, metrics } = query;
  const cellsAStep = Math.max(1, run.layerCount * metrics.length);
  const stepsAWindow = Math.min(
    MOST_STEPS_A_WINDOW,
    Math.max(1, Math.floor(CELLS_A_WINDOW / cellsAStep)),
  );
  for (const segment of segments) {
    for (let { fromStep } = segment; fromStep <= segment.toStep;) {
      const window = await readWindow(db, query, { ...segment, fromStep }, stepsAWindow);
      const lastStep = window?.steps.at(-1);
      if (window === null || lastStep === undefined) break;
      yield* batchesOf(window, query);
      fromStep = lastStep + 1;
    }
  }
}

function readWindow(
  db: Database,
  { run: { id, runKey, layerCount }, metrics }: LayerExport,
  segment: Segment,
  maxSteps: number,
): Promise<Window | null> {
  return db.readSnapshot(async (snapshot) => {
    // Compaction goes on meanwhile: each window must know how far it is.
    const run = await requireRun(snapshot, id);
    const page = await findStepPage(snapshot, runKey, segment, maxSteps);
    if (page === null) return null;
    const window = await findStepWindow(snapshot, run, {
      segments: [{ ...segment, toStep: page.lastStep }],
      columns: [],
      maxSteps,
      metricId: null,
    });
    const steps = (window.steps ?? []).map(({ step }) => step);
    const cells = metrics.map(() => missingCells(steps.length * layerCount));
    const scans = metrics.flatMap((name, index) => {
      const metricId = run.names.layer.get(name);
      const target = cells[index];
      if (metricId === undefined || target === undefined) return [];
      return new LayerScan(
        { runKey, parts: window.parts, topLevel: -1, metricId, layerCount, planes: [] },
        new WindowSink(steps, layerCount, target),
      );
    });
    await runScans(snapshot, scans);
    return { attempt: segment.attempt, steps, cells };
  });
}

function missingCells(count: number): Float32Array {
  const cells = new Float32Array(count);
  bitsOf(cells).fill(MISSING_FLOAT32_BITS);
  return cells;
}

/** Puts what comes as [layer][step] where [step][layer] of the window has it. */
class WindowSink implements LayerSink {
  readonly #bits: Uint32Array;

  constructor(
    private readonly steps: readonly number[],
    private readonly layerCount: number,
    cells: Float32Array,
  ) {
    this.#bits = bitsOf(cells);
  }

  addSteps({ steps, from, end, values }: Parameters<LayerSink['addSteps']>[0]): void {
    const bits = bitsOf(values);
    const n = steps.length;
    for (let index = from; index < end; index++) {
      const step = steps[index] ?? -1;
      const row = lowerBound(this.steps, step);
      if (this.steps[row] !== step) continue;
      for (let layer = 0; layer < this.layerCount; layer++) {
        const value = bits[layer * n + index] ?? MISSING_FLOAT32_BITS;
        if (value !== MISSING_FLOAT32_BITS) this.#bits[row * this.layerCount + layer] = value;
      }
    }
  }

  addBuckets(): void {
    // Of steps without values of their own an export has no rows.
  }
}

function* batchesOf(
  { attempt, steps, cells }: Window,
  { run: { layerCount }, layers, metrics }: LayerExport,
): Generator<ExportBatch> {
  const bits = cells.map((column) => bitsOf(column));
  // A row has its attempt, step and layer besides.
  const mostRows = Math.max(1, Math.floor(CELLS_A_BATCH / (metrics.length + 3)));
  let batch = new BatchBuilder(attempt, metrics.length, mostRows);
  let completeStep: number | null = null;
  for (const [row, step] of steps.entries()) {
    for (const layer of layers) {
      const at = row * layerCount + layer;
      if (bits.every((column) => column[at] === MISSING_FLOAT32_BITS)) continue;
      if (batch.rowCount >= mostRows) {
        yield batch.finish(completeStep);
        batch = new BatchBuilder(attempt, metrics.length, mostRows);
        completeStep = null;
      }
      batch.add(step, layer, bits, at);
    }
    completeStep = step;
  }
  yield batch.finish(completeStep);
}

class BatchBuilder {
  readonly #steps: Float64Array;
  readonly #layers: Float64Array;
  readonly #values: readonly Uint32Array[];
  rowCount = 0;

  constructor(
    private readonly attempt: number,
    metricCount: number,
    mostRows: number,
  ) {
    this.#steps = new Float64Array(mostRows);
    this.#layers = new Float64Array(mostRows);
    this.#values = Array.from({ length: metricCount }, () => new Uint32Array(mostRows));
  }

  add(step: number, layer: number, bits: readonly Uint32Array[], at: number): void {
    const row = this.rowCount++;
    this.#steps[row] = step;
    this.#layers[row] = layer;
    for (const [index, column] of this.#values.entries()) {
      column[row] = bits[index]?.[at] ?? MISSING_FLOAT32_BITS;
    }
  }

  finish(completeStep: number | null): ExportBatch {
    const { rowCount } = this;
    return {
      rowCount,
      completeStep,
      cells: [
        { kind: 'whole', values: new Float64Array(rowCount).fill(this.attempt) },
        { kind: 'whole', values: this.#steps },
        { kind: 'whole', values: this.#layers },
        ...this.#values.map(({ buffer }) => ({
          kind: 'float32' as const,
          values: new Float32Array(buffer, 0, rowCount),
        })),
      ],
    };
  }
}

/** The layers of the ranges, ascending, each once. */
export function selectLayers(
  layerCount: number,
  ranges: readonly LayerRange[] | undefined,
): number[] {
  const all = Array.from({ length: layerCount }, (_, index) => index);
  if (ranges === undefined) return all;
  return all.filter((layer) => ranges.some(({ from, to }) => layer >= from && layer <= to));
}
