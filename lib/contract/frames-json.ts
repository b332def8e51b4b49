/**
 * The JSON form of `POST /frames`. Frames are parsed one by one: a fault inside one is
 * that step's own, listed in `rejected`, and the others stand.
 */
import { z } from 'zod';
import { AppError, type FaultDetail } from './app-error';
import type { Frame, FrameRequest, HistogramFrame, RejectedStep } from './frame';
import { MAX_BINS, checkEdges } from './frames-safetensors';
import { metricNameSchema } from './identifiers';
import { IgnoredFields, isObject } from './ignored-fields';
import { missingColumn } from './missing-value';
import { parseJson } from './parse-json';
import { orderSteps } from './step-order';

const NON_FINITE = { NaN: NaN, Infinity: Infinity, '-Infinity': -Infinity } as const;
const MAX_FLOAT32 = 3.4028234663852886e38;

/** A float64, or the three words that JSON has no numbers for. */
export const jsonScalarSchema = z.union(
  [z.number(), z.enum(['NaN', 'Infinity', '-Infinity']).transform((word) => NON_FINITE[word])],
  { error: 'expected a number within float64, "NaN", "Infinity" or "-Infinity"' },
);
/** A float32; null means that this layer reported nothing. */
export const jsonMetricSchema = z.union(
  [
    z.number().refine((value) => Math.abs(value) <= MAX_FLOAT32, 'is beyond float32'),
    z.enum(['NaN', 'Infinity', '-Infinity']).transform((word) => NON_FINITE[word]),
    z.null(),
  ],
  { error: 'expected a number within float32, "NaN", "Infinity", "-Infinity" or null' },
);
const countSchema = z.int().min(0).max(0xffff_ffff, 'is beyond 2^32 - 1');

export const jsonHistogramSchema = z.object({
  edges: z
    .array(z.number())
    .min(2)
    .max(MAX_BINS + 1),
  counts: z.array(z.array(countSchema)),
  outside: z.array(z.array(countSchema).length(4)).optional(),
});
/** One element of `frames`. */
export const jsonFrameSchema = z.object({
  step: z.number(),
  loss: jsonScalarSchema.nullish(),
  learningRate: jsonScalarSchema.nullish(),
  wallTime: z.number().nullish(),
  gradientNorm: jsonScalarSchema.nullish(),
  scalars: z.record(metricNameSchema, jsonScalarSchema).optional(),
  layers: z.record(metricNameSchema, z.array(jsonMetricSchema)).optional(),
  histograms: z.record(metricNameSchema, jsonHistogramSchema).optional(),
});
type JsonFrame = z.infer<typeof jsonFrameSchema>;

/** The objects of a frame whose fields are names that the job chose. */
const NAMED_FIELDS = ['scalars', 'layers', 'histograms'] as const;

/** The most frames of one JSON request; a body of 32 MiB holds no more with content. */
const MAX_FRAMES = 100_000;

export const jsonFramesSchema = z.object({
  attempt: z.int().min(1).optional(),
  layerOffset: z.int().min(0).optional(),
  frames: z.array(z.unknown()).max(MAX_FRAMES),
});

/**
 * Decodes a body.
 *
 * Throws  AppError `invalid_body` when it is not JSON of this form; `invalid_frame` with
 *         the first fault when no frame of it can be used and one was malformed
 */
export function decodeJsonFrames(body: Uint8Array): FrameRequest {
  const json = parseJson(body, 'body');
  const envelope = jsonFramesSchema.safeParse(json);
  if (!envelope.success) {
    const details = toDetails(envelope.error, []);
    throw new AppError('invalid_body', summarise(details), { details });
  }
  const ignored = new IgnoredFields();
  ignored.note(json, jsonFramesSchema.shape, '');
  const rejected: RejectedStep[] = [];
  const parsed: { frame: JsonFrame; index: number }[] = [];
  const faults: AppError[] = [];
  envelope.data.frames.forEach((raw, index) => {
    try {
      parsed.push({ frame: parseFrame(raw, index), index });
      noteFrame(ignored, raw, index);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      faults.push(error);
      rejected.push({ step: stepOf(raw), code: error.code, message: error.message });
    }
  });
  const order = orderSteps(parsed.map(({ frame }) => frame.step));
  rejected.push(...order.rejected);
  const frames: Frame[] = [];
  for (const { index } of order.accepted) {
    const entry = parsed[index];
    if (entry === undefined) continue;
    try {
      frames.push(toFrame(entry.frame, entry.index));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      faults.push(error);
      rejected.push({ step: entry.frame.step, code: error.code, message: error.message });
    }
  }
  const [firstFault] = faults;
  if (frames.length === 0 && firstFault !== undefined) throw firstFault;
  return {
    attempt: envelope.data.attempt ?? null,
    layerOffset: envelope.data.layerOffset ?? null,
    frames,
    rejected,
    ignored: ignored.paths,
  };
}

function noteFrame(ignored: IgnoredFields, raw: unknown, index: number): void {
  const path = `frames.${index}.`;
  ignored.note(raw, jsonFrameSchema.shape, path, 'frames.');
  if (!isObject(raw) || !isObject(raw['histograms'])) return;
  for (const [name, histogram] of Object.entries(raw['histograms'])) {
    const inner = `histograms.${name}.`;
    ignored.note(histogram, jsonHistogramSchema.shape, `${path}${inner}`, `frames.${inner}`);
  }
}

function stepOf(raw: unknown): number {
  if (typeof raw !== 'object' || raw === null || !('step' in raw)) return -1;
  return typeof raw.step === 'number' && Number.isSafeInteger(raw.step) ? raw.step : -1;
}

function parseFrame(raw: unknown, index: number): JsonFrame {
  const result = jsonFrameSchema.safeParse(raw);
  if (!result.success) throw invalidFrame(toDetails(result.error, ['frames', index]));
  for (const field of NAMED_FIELDS) {
    // The schema library leaves this one name out of every record, without a word.
    if (isObject(raw) && isObject(raw[field]) && Object.hasOwn(raw[field], '__proto__')) {
      const path = `frames.${index}.${field}.__proto__`;
      throw invalidFrame([{ path, message: 'expected another name; JSON has this one reserved' }]);
    }
  }
  const { step } = result.data;
  if (!Number.isInteger(step)) {
    throw invalidFrame([{ path: `frames.${index}.step`, message: 'expected a whole number' }]);
  }
  return result.data;
}

function toFrame(frame: JsonFrame, index: number): Frame {
  const scalars = new Map<string, number>();
  const addScalar = (name: string, value: number | null | undefined): void => {
    if (value === null || value === undefined) return;
    if (!Object.is(scalars.get(name) ?? value, value)) {
      const message = `expected one ${name}; the frame has another beside its scalars`;
      throw invalidFrame([{ path: `frames.${index}.scalars.${name}`, message }]);
    }
    scalars.set(name, value);
  };
  for (const [name, value] of Object.entries(frame.scalars ?? {})) addScalar(name, value);
  addScalar('loss', frame.loss);
  addScalar('learning_rate', frame.learningRate);
  addScalar('gradient_norm', frame.gradientNorm);

  const lengths = new LayerLengths(index);
  const layerMetrics = new Map<string, Float32Array>();
  for (const [name, values] of Object.entries(frame.layers ?? {})) {
    lengths.check(`layers.${name}`, values.length);
    layerMetrics.set(name, toColumn(values));
  }
  const histograms = new Map<string, HistogramFrame>();
  for (const [name, histogram] of Object.entries(frame.histograms ?? {})) {
    lengths.check(`histograms.${name}.counts`, histogram.counts.length);
    histograms.set(name, toHistogram(histogram, `frames.${index}.histograms.${name}`));
  }
  return {
    step: frame.step,
    wallTime: frame.wallTime ?? null,
    scalars,
    layerCount: lengths.layerCount,
    layerMetrics,
    histograms,
    samples: null,
  };
}

/** Every per-layer array of a frame must speak of the same number of layers. */
class LayerLengths {
  private first: { path: string; length: number } | null = null;

  constructor(private readonly index: number) {}

  check(path: string, length: number): void {
    this.first ??= { path, length };
    if (length === this.first.length) return;
    throw new AppError(
      'layer_count_mismatch',
      `frames.${this.index}.${path} holds ${length} layers where ${this.first.path} holds ${this.first.length}`,
      {
        details: [
          { path: `frames.${this.index}.${path}`, message: `expected ${this.first.length} layers` },
        ],
      },
    );
  }

  get layerCount(): number {
    return this.first?.length ?? 0;
  }
}

function toColumn(values: readonly (number | null)[]): Float32Array {
  // Starts as "not reported": a null keeps those bits.
  const column = missingColumn(values.length);
  values.forEach((value, layer) => {
    if (value !== null) column[layer] = value;
  });
  return column;
}

function toHistogram(histogram: z.infer<typeof jsonHistogramSchema>, path: string): HistogramFrame {
  const edges = Float32Array.from(histogram.edges);
  checkEdges(`${path}.edges`, edges, 'invalid_frame');
  const binCount = edges.length - 1;
  const layerCount = histogram.counts.length;
  const counts = new Uint32Array(layerCount * binCount);
  histogram.counts.forEach((row, layer) => {
    if (row.length !== binCount) {
      throw invalidFrame([
        {
          path: `${path}.counts.${layer}`,
          message: `expected ${binCount} bins, one less than the edges, got ${row.length}`,
        },
      ]);
    }
    counts.set(row, layer * binCount);
  });
  const outside = new Uint32Array(layerCount * 4);
  if (histogram.outside !== undefined) {
    if (histogram.outside.length !== layerCount) {
      throw invalidFrame([
        {
          path: `${path}.outside`,
          message: `expected ${layerCount} rows, got ${histogram.outside.length}`,
        },
      ]);
    }
    histogram.outside.forEach((row, layer) => {
      outside.set(row, layer * 4);
    });
  }
  return { edges, counts, outside };
}

function invalidFrame(details: readonly FaultDetail[]): AppError {
  return new AppError('invalid_frame', summarise(details), { details });
}

/** The issues of a failed parse as paths and messages; at most 16, the first first. */
export function toDetails(error: z.ZodError, prefix: readonly (string | number)[]): FaultDetail[] {
  return error.issues.slice(0, 16).map((issue) => ({
    path: [...prefix, ...issue.path].map(String).join('.'),
    message: messageOf(issue),
  }));
}

/** What was expected, also where the library says only that a key or a union is invalid. */
function messageOf(issue: z.core.$ZodIssue): string {
  const [first] = issue.code === 'invalid_key' ? issue.issues : [];
  if (first !== undefined) return inWords(first.message);
  if (issue.code !== 'invalid_union' || issue.message !== 'Invalid input') {
    return inWords(issue.message);
  }
  const branches = issue.errors.flatMap((issues) =>
    issues.slice(0, 1).map(({ message }) => inWords(message)),
  );
  return branches.length === 0 ? issue.message : [...new Set(branches)].join('; or ');
}

/** As we say it ourselves, "expected …, got …"; the library's "received undefined" is a field that is not there. */
function inWords(message: string): string {
  return message
    .replace(/^(?:Invalid [a-z]+|Too big|Too small): /, '')
    .replace(/, received undefined$/, ', got nothing')
    .replace(/, received (?=\w+$)/, ', got ');
}

function summarise(details: readonly FaultDetail[]): string {
  const [first] = details;
  if (first === undefined) return 'the body does not have the expected form';
  return `${first.path === '' ? 'body' : first.path}: ${first.message}`;
}
