/**
 * The binary form of `POST /frames`: header → tensors → one Frame a step, all views.
 *
 * Faults of the whole body (a tensor of the wrong shape, unknown names) throw; faults of
 * single steps (negative, out of order) are listed in `rejected` and the others stand.
 */
import { AppError } from './app-error';
import {
  type Frame,
  type FrameRequest,
  type HistogramFrame,
  type PostedSamples,
  SAMPLE_TYPES,
  type SampleFrame,
} from './frame';
import { metricNameSchema } from './identifiers';
import {
  type Safetensors,
  type Tensor,
  parseSafetensors,
  readFloat32,
  readFloat64,
  readInt64,
  readUint32,
} from './safetensors';
import { orderSteps } from './step-order';

/** Bins a histogram may have; the finest standard one, of u, has 418. */
export const MAX_BINS = 4096;
/** Samples a layer may post. */
export const MAX_SAMPLES = 65_536;
/** `format` is what libraries of safetensors write into every file. */
const KNOWN_METADATA: ReadonlySet<string> = new Set(['attempt', 'layer_offset', 'format']);
/** As many as are told of a body in JSON. */
const MAX_IGNORED_KEYS = 64;
const STANDARD_SCALARS: ReadonlySet<string> = new Set(['loss', 'learning_rate', 'gradient_norm']);

interface StepLayerShape {
  readonly stepCount: number;
  /** null until the first per-layer tensor says. */
  layerCount: number | null;
}

interface HistogramColumns {
  readonly edges: Float32Array;
  readonly counts: Uint32Array;
  readonly outside: Uint32Array;
  readonly binCount: number;
}

function invalid(path: string, message: string): AppError {
  return new AppError('invalid_body', `${path}: ${message}`, { details: [{ path, message }] });
}

function describe(tensor: Tensor): string {
  return `[${tensor.shape.join(', ')}]`;
}

/**
 * Decodes a body.
 *
 * Shape   T steps, L' layers; the frames' arrays are views into `body`
 * Throws  AppError `invalid_body` with the tensor's name as path
 */
export function decodeSafetensorsFrames(body: Uint8Array): FrameRequest {
  const container = parseSafetensors(body);
  const attempt = readMetadataInteger(container, 'attempt', 1);
  const layerOffset = readMetadataInteger(container, 'layer_offset', 0);

  const stepTensor = container.tensors.get('step');
  if (stepTensor === undefined) throw invalid('step', 'expected a tensor I64 [T]; it is missing');
  if (stepTensor.shape.length !== 1)
    throw invalid('step', `expected [T], got ${describe(stepTensor)}`);
  const steps = readInt64('step', stepTensor);
  const shape: StepLayerShape = { stepCount: steps.length, layerCount: null };

  let wallTimes: Float64Array | null = null;
  const scalars = new Map<string, Float64Array>();
  const layerMetrics = new Map<string, Float32Array>();
  const addScalar = (tensorName: string, name: string, values: Float64Array): void => {
    const other = scalars.get(name);
    if (other?.some((value, index) => !Object.is(value, values[index])) === true)
      throw invalid(tensorName, `expected one ${name}; ${name} and scalar/${name} differ`);
    scalars.set(name, values);
  };
  const histogramNames = new Set<string>();
  const sampleNames = new Set<string>();
  for (const [name, tensor] of container.tensors) {
    const slash = name.indexOf('/');
    const kind = slash === -1 ? name : name.slice(0, slash);
    const rest = slash === -1 ? '' : name.slice(slash + 1);
    if (slash === -1) {
      if (kind === 'step') continue;
      if (kind === 'wall_time') wallTimes = readPerStep(name, tensor, shape);
      else if (STANDARD_SCALARS.has(kind)) addScalar(name, kind, readPerStep(name, tensor, shape));
      else throw unknownTensor(name);
    } else if (kind === 'scalar')
      addScalar(name, checkName(name, rest), readPerStep(name, tensor, shape));
    else if (kind === 'layer')
      layerMetrics.set(checkName(name, rest), readPerLayer(name, tensor, shape));
    else if (kind === 'histogram' || kind === 'edges' || kind === 'outside')
      histogramNames.add(checkName(name, rest));
    else if (kind === 'sample') sampleNames.add(rest);
    else throw unknownTensor(name);
  }
  const histograms = new Map<string, HistogramColumns>();
  for (const name of histogramNames) histograms.set(name, readHistogram(name, container, shape));
  const samples = sampleNames.size > 0 ? readSamples(sampleNames, container, shape) : null;

  const { accepted, rejected } = orderSteps(steps);
  const frames = accepted.map(({ index, step }) =>
    sliceFrame(index, step, shape.layerCount ?? 0, {
      wallTimes,
      scalars,
      layerMetrics,
      histograms,
      samples,
    }),
  );
  const ignored = Array.from(container.metadata.keys())
    .filter((key) => !KNOWN_METADATA.has(key))
    .slice(0, MAX_IGNORED_KEYS)
    .map((key) => `__metadata__.${key}`);
  return { attempt, layerOffset, frames, rejected, ...(ignored.length === 0 ? {} : { ignored }) };
}

function unknownTensor(name: string): AppError {
  return invalid(
    name,
    'is no tensor of the contract; expected step, loss, learning_rate, gradient_norm, wall_time, ' +
      'scalar/…, layer/…, histogram/…, edges/…, outside/… or sample/…',
  );
}

function checkName(tensorName: string, name: string): string {
  const result = metricNameSchema.safeParse(name);
  if (!result.success)
    throw invalid(tensorName, result.error.issues[0]?.message ?? 'is no metric name');
  return result.data;
}

function readMetadataInteger(container: Safetensors, key: string, minimum: number): number | null {
  const text = container.metadata.get(key);
  if (text === undefined) return null;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (!(value >= minimum)) {
    throw invalid(
      `__metadata__.${key}`,
      `expected a whole number of ${minimum} or more in decimal digits`,
    );
  }
  return value;
}

function readPerStep(name: string, tensor: Tensor, { stepCount }: StepLayerShape): Float64Array {
  if (tensor.shape.length !== 1 || tensor.shape[0] !== stepCount) {
    throw invalid(name, `expected [${stepCount}], one value a step, got ${describe(tensor)}`);
  }
  return readFloat64(name, tensor);
}

/** Checks [T, L', …] against what earlier tensors said of T and L', and returns the trailing sizes. */
function checkLayerShape(
  name: string,
  tensor: Tensor,
  shape: StepLayerShape,
  rank: number,
): number[] {
  const [stepCount, layerCount, ...trailing] = tensor.shape;
  if (tensor.shape.length !== rank || stepCount !== shape.stepCount || layerCount === undefined) {
    throw invalid(
      name,
      `expected ${rank} dimensions, the first ${shape.stepCount} steps, got ${describe(tensor)}`,
    );
  }
  shape.layerCount ??= layerCount;
  if (layerCount !== shape.layerCount) {
    throw invalid(
      name,
      `holds ${layerCount} layers where other tensors of this body hold ${shape.layerCount}`,
    );
  }
  return trailing;
}

function readPerLayer(name: string, tensor: Tensor, shape: StepLayerShape): Float32Array {
  checkLayerShape(name, tensor, shape, 2);
  return readFloat32(name, tensor);
}

function readHistogram(
  name: string,
  container: Safetensors,
  shape: StepLayerShape,
): HistogramColumns {
  const counts = container.tensors.get(`histogram/${name}`);
  const edges = container.tensors.get(`edges/${name}`);
  const outside = container.tensors.get(`outside/${name}`);
  if (counts === undefined)
    throw invalid(`histogram/${name}`, 'is missing beside its edges or outside counts');
  if (edges === undefined) throw invalid(`edges/${name}`, `is missing; histogram/${name} needs it`);
  const [binCount = 0] = checkLayerShape(`histogram/${name}`, counts, shape, 3);
  if (binCount < 1 || binCount > MAX_BINS) {
    throw invalid(`histogram/${name}`, `expected 1 to ${MAX_BINS} bins, got ${binCount}`);
  }
  if (edges.shape.length !== 1 || edges.shape[0] !== binCount + 1) {
    throw invalid(
      `edges/${name}`,
      `expected [${binCount + 1}], one more than the bins, got ${describe(edges)}`,
    );
  }
  const edgeValues = readFloat32(`edges/${name}`, edges);
  checkEdges(`edges/${name}`, edgeValues);
  if (outside !== undefined) {
    const [columns] = checkLayerShape(`outside/${name}`, outside, shape, 3);
    if (columns !== 4)
      throw invalid(`outside/${name}`, `expected 4 columns, got ${describe(outside)}`);
  }
  return {
    edges: edgeValues,
    counts: readUint32(`histogram/${name}`, counts),
    outside:
      outside === undefined
        ? new Uint32Array(shape.stepCount * (shape.layerCount ?? 0) * 4)
        : readUint32(`outside/${name}`, outside),
    binCount,
  };
}

/** Throws AppError with `code` unless the edges are finite and strictly increasing. */
export function checkEdges(
  path: string,
  edges: Float32Array,
  code: 'invalid_body' | 'invalid_frame' = 'invalid_body',
): void {
  let previous = -Infinity;
  for (let i = 0; i < edges.length; i++) {
    const edge = edges[i] ?? NaN;
    if (!Number.isFinite(edge) || edge <= previous) {
      const message = 'expected finite, strictly increasing edges (as float32)';
      throw new AppError(code, `${path}.${i}: ${message}`, {
        details: [{ path: `${path}.${i}`, message }],
      });
    }
    previous = edge;
  }
}

function readSamples(
  names: ReadonlySet<string>,
  container: Safetensors,
  shape: StepLayerShape,
): SampleFrame {
  for (const name of names) {
    if (name !== 'gradient' && name !== 'first_moment' && name !== 'second_moment') {
      throw unknownTensor(`sample/${name}`);
    }
  }
  const counts: number[] = [];
  const read = (name: string): { values: Float32Array; posted: PostedSamples } => {
    const path = `sample/${name}`;
    const tensor = container.tensors.get(path);
    if (tensor === undefined) {
      throw invalid(path, 'is missing; gradient, first_moment and second_moment go together');
    }
    if (name === 'second_moment' && tensor.dtype === 'F16') {
      throw invalid(`${path}.dtype`, 'expected F32 or BF16; F16 flushes most of v to 0');
    }
    const [count = 0] = checkLayerShape(path, tensor, shape, 3);
    const first = counts[0] ?? count;
    counts.push(count);
    if (count !== first) {
      throw invalid(path, `holds ${count} samples a layer, another tensor ${first}`);
    }
    if (count < 1 || count > MAX_SAMPLES) {
      throw invalid(path, `expected 1 to ${MAX_SAMPLES} samples a layer, got ${count}`);
    }
    const values = readFloat32(path, tensor);
    const type = SAMPLE_TYPES.find((known) => known === tensor.dtype) ?? 'F32';
    return { values, posted: { type, bytes: tensor.bytes } };
  };
  const gradient = read('gradient');
  const firstMoment = read('first_moment');
  const secondMoment = read('second_moment');
  return {
    sampleCount: counts[0] ?? 0,
    gradient: gradient.values,
    firstMoment: firstMoment.values,
    secondMoment: secondMoment.values,
    posted: {
      gradient: gradient.posted,
      firstMoment: firstMoment.posted,
      secondMoment: secondMoment.posted,
    },
  };
}

interface Columns {
  readonly wallTimes: Float64Array | null;
  readonly scalars: ReadonlyMap<string, Float64Array>;
  readonly layerMetrics: ReadonlyMap<string, Float32Array>;
  readonly histograms: ReadonlyMap<string, HistogramColumns>;
  readonly samples: SampleFrame | null;
}

function sliceFrame(index: number, step: number, layerCount: number, columns: Columns): Frame {
  const histograms = new Map<string, HistogramFrame>();
  for (const [name, { edges, counts, outside, binCount }] of columns.histograms) {
    const width = layerCount * binCount;
    histograms.set(name, {
      edges,
      counts: counts.subarray(index * width, (index + 1) * width),
      outside: outside.subarray(index * layerCount * 4, (index + 1) * layerCount * 4),
    });
  }
  const { samples } = columns;
  const sampleWidth = layerCount * (samples?.sampleCount ?? 0);
  const sampleRow = (values: Float32Array): Float32Array =>
    values.subarray(index * sampleWidth, (index + 1) * sampleWidth);
  return {
    step,
    wallTime: columns.wallTimes?.[index] ?? null,
    scalars: new Map(Array.from(columns.scalars, ([name, values]) => [name, values[index] ?? NaN])),
    layerCount,
    layerMetrics: new Map(
      Array.from(columns.layerMetrics, ([name, values]) => [
        name,
        values.subarray(index * layerCount, (index + 1) * layerCount),
      ]),
    ),
    histograms,
    samples:
      samples === null
        ? null
        : {
            sampleCount: samples.sampleCount,
            gradient: sampleRow(samples.gradient),
            firstMoment: sampleRow(samples.firstMoment),
            secondMoment: sampleRow(samples.secondMoment),
            ...(samples.posted === undefined
              ? {}
              : {
                  posted: {
                    gradient: postedRow(samples.posted.gradient, index, sampleWidth),
                    firstMoment: postedRow(samples.posted.firstMoment, index, sampleWidth),
                    secondMoment: postedRow(samples.posted.secondMoment, index, sampleWidth),
                  },
                }),
          },
  };
}

function postedRow({ type, bytes }: PostedSamples, index: number, width: number): PostedSamples {
  const byteLength = width * (type === 'F32' ? 4 : 2);
  return { type, bytes: bytes.subarray(index * byteLength, (index + 1) * byteLength) };
}
