import type { Frame, HistogramFrame, SampleFrame } from '../../lib/contract/frame';
import { metricNameSchema, stepSchema } from '../../lib/contract/identifiers';
import { missingColumn } from '../../lib/contract/missing-value';

/** One number a layer, in the order of the run's layers; null: not reported for this layer. */
export type LayerColumn = Float32Array | readonly (number | null)[];

export interface HistogramInput {
  /** [B + 1], strictly increasing. */
  readonly edges: Float32Array | readonly number[];
  /** [L, B], row-major. Exact zeros are in no bin. */
  readonly counts: Uint32Array | readonly number[];
  /** [L, 4]: underflow, overflow, exact zeros, non-finite. Left out: none. */
  readonly outside?: Uint32Array | readonly number[];
}

/** What a training job says of one step. Everything but `step` may be left out. */
export interface FrameInput {
  readonly step: number;
  readonly loss?: number;
  readonly learningRate?: number;
  /** The global norm of the gradient. */
  readonly gradientNorm?: number;
  /** Unix seconds; left out: now; null: not known. */
  readonly wallTime?: number | null;
  readonly scalars?: Readonly<Record<string, number>>;
  readonly layers?: Readonly<Record<string, LayerColumn>>;
  readonly histograms?: Readonly<Record<string, HistogramInput>>;
  /** Raw coordinates [L, S] from which the worker computes metrics and histograms itself. */
  readonly samples?: SampleFrame;
}

/** Told of a part of a step that is left out, by its field and what is wrong with it. */
export type FaultListener = (field: string, message: string) => void;

/**
 * Copies an input into a frame of the contract: the caller's buffers may be reused at once.
 * A part whose name or length is not the contract's is left out, and takes neither the
 * step's loss nor its other layers with it.
 *
 * Throws  RangeError when `step` is none, and for any part where nobody listens to faults
 */
export function toFrame(
  input: FrameInput,
  layerCount: number,
  nowMs: number,
  onFault?: FaultListener,
): Frame {
  if (!stepSchema.safeParse(input.step).success) {
    throw new RangeError(`step: expected a whole number of 0 or more, got ${input.step}`);
  }
  return {
    step: input.step,
    wallTime: input.wallTime === undefined ? nowMs / 1000 : input.wallTime,
    scalars: toScalars(input, onFault),
    layerCount,
    layerMetrics: readAll(
      'layers',
      input.layers,
      (values, path) => checkLength(path, toColumn(values), layerCount),
      onFault,
    ),
    histograms: readAll(
      'histograms',
      input.histograms,
      (histogram, path) => toHistogram(path, histogram, layerCount),
      onFault,
    ),
    samples: toSamples(input.samples, layerCount, onFault),
  };
}

/** What the frame holds in memory, for the queue's bound. */
export function sizeOfFrame(frame: Frame): number {
  // A scalar is a map entry; 64 bytes is what V8 spends on one, and on a small array's head.
  let bytes = 256 + frame.scalars.size * 64;
  for (const column of frame.layerMetrics.values()) bytes += column.byteLength + 64;
  for (const { edges, counts, outside } of frame.histograms.values()) {
    bytes += edges.byteLength + counts.byteLength + outside.byteLength + 192;
  }
  return bytes + (frame.samples === null ? 0 : frame.samples.gradient.byteLength * 3);
}

/** What can be read of a step's parts, by their names. */
function readAll<In, Out>(
  field: string,
  parts: Readonly<Record<string, In>> | undefined,
  read: (part: In, path: string) => Out,
  onFault: FaultListener | undefined,
): Map<string, Out> {
  const found = new Map<string, Out>();
  for (const [name, part] of Object.entries(parts ?? {})) {
    const path = `${field}.${name}`;
    attempt(path, onFault, () => found.set(checkName(path, name), read(part, path)));
  }
  return found;
}

function attempt(path: string, onFault: FaultListener | undefined, read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (onFault === undefined) throw error;
    onFault(path, error instanceof Error ? error.message : String(error));
  }
}

function toScalars(input: FrameInput, onFault: FaultListener | undefined): Map<string, number> {
  const scalars = new Map<string, number>();
  if (input.loss !== undefined) scalars.set('loss', input.loss);
  if (input.learningRate !== undefined) scalars.set('learning_rate', input.learningRate);
  if (input.gradientNorm !== undefined) scalars.set('gradient_norm', input.gradientNorm);
  const others = readAll('scalars', input.scalars, (value) => value, onFault);
  for (const [name, value] of others) scalars.set(name, value);
  return scalars;
}

function toColumn(values: LayerColumn): Float32Array {
  // A copy by bits: through numbers, "not reported" may come out as a plain NaN.
  if (values instanceof Float32Array) return values.slice();
  const column = missingColumn(values.length);
  values.forEach((value, layer) => {
    if (value !== null) column[layer] = value;
  });
  return column;
}

function toHistogram(path: string, input: HistogramInput, layerCount: number): HistogramFrame {
  const edges = Float32Array.from(input.edges);
  if (edges.length < 2) throw new RangeError(`${path}.edges: expected at least 2 edges`);
  return {
    edges,
    counts: checkLength(
      `${path}.counts`,
      Uint32Array.from(input.counts),
      layerCount * (edges.length - 1),
    ),
    outside: checkLength(
      `${path}.outside`,
      input.outside === undefined
        ? new Uint32Array(layerCount * 4)
        : Uint32Array.from(input.outside),
      layerCount * 4,
    ),
  };
}

function toSamples(
  samples: SampleFrame | undefined,
  layerCount: number,
  onFault: FaultListener | undefined,
): SampleFrame | null {
  let copy: SampleFrame | null = null;
  if (samples !== undefined) {
    attempt('samples', onFault, () => (copy = copySamples(samples, layerCount)));
  }
  return copy;
}

function copySamples(samples: SampleFrame, layerCount: number): SampleFrame {
  const { sampleCount } = samples;
  const copy = (name: string, values: Float32Array): Float32Array =>
    checkLength(`samples.${name}`, values.slice(), layerCount * sampleCount);
  return {
    sampleCount,
    gradient: copy('gradient', samples.gradient),
    firstMoment: copy('firstMoment', samples.firstMoment),
    secondMoment: copy('secondMoment', samples.secondMoment),
  };
}

function checkLength<Values extends Float32Array | Uint32Array>(
  path: string,
  values: Values,
  length: number,
): Values {
  if (values.length !== length) {
    throw new RangeError(`${path}: expected ${length} values, got ${values.length}`);
  }
  return values;
}

function checkName(path: string, name: string): string {
  const result = metricNameSchema.safeParse(name);
  if (!result.success) {
    throw new RangeError(`${path}: ${result.error.issues[0]?.message ?? 'is no metric name'}`);
  }
  return name;
}
