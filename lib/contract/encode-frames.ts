/**
 * Frames as the binary body of `POST /frames`; what a training job sends. Inverse of
 * `decodeSafetensorsFrames`, bit for bit where the arrays are concerned.
 *
 * The wire form is columnar, so the frames of one body must report the same things:
 * a scalar that one step has and another lacks would have to be invented for the other.
 * `canShareBody` says which frames go together.
 */
import type { Frame, HistogramFrame, SampleFrame } from './frame';
import { type TensorToEncode, encodeSafetensors } from './safetensors';

const STANDARD_SCALARS: ReadonlySet<string> = new Set(['loss', 'learning_rate', 'gradient_norm']);
const SAMPLE_PARTS = [
  ['sample/gradient', 'gradient'],
  ['sample/first_moment', 'firstMoment'],
  ['sample/second_moment', 'secondMoment'],
] as const;

export interface EncodeFramesOptions {
  /** Left out: the newest attempt of the run. */
  readonly attempt?: number;
  /** Left out: the frames hold every layer of the run. */
  readonly layerOffset?: number;
}

/**
 * Encodes one or more frames, steps ascending.
 *
 * Shape   T = frames.length steps, L' layers, the same in every frame
 * Throws  RangeError when there is no frame, when two frames cannot share a body, or
 *         when an array does not fill its shape
 */
export function encodeFrames(
  frames: readonly Frame[],
  { attempt, layerOffset }: EncodeFramesOptions = {},
): Uint8Array<ArrayBuffer> {
  const [first] = frames;
  if (first === undefined) throw new RangeError('expected at least one frame');
  for (const frame of frames) {
    if (!canShareBody(first, frame)) {
      throw new RangeError(
        `steps ${first.step} and ${frame.step} report different things and need bodies of their own`,
      );
    }
  }
  const metadata: Record<string, string> = {};
  if (attempt !== undefined) metadata['attempt'] = String(attempt);
  if (layerOffset !== undefined) metadata['layer_offset'] = String(layerOffset);
  return encodeSafetensors(
    [
      ...encodeScalars(frames, first),
      ...encodeLayerMetrics(frames, first),
      ...encodeHistograms(frames, first),
      ...encodeSamples(frames, first),
    ],
    metadata,
  );
}

/** Whether two frames report the same scalars, metrics, histograms and samples of as many layers. */
export function canShareBody(a: Frame, b: Frame): boolean {
  if (a === b) return true;
  return (
    a.layerCount === b.layerCount &&
    (a.wallTime === null) === (b.wallTime === null) &&
    hasSameKeys(a.scalars, b.scalars) &&
    hasSameKeys(a.layerMetrics, b.layerMetrics) &&
    hasSameKeys(a.histograms, b.histograms) &&
    (a.samples?.sampleCount ?? 0) === (b.samples?.sampleCount ?? 0) &&
    Array.from(a.histograms).every(([name, { edges }]) =>
      hasSameValues(edges, b.histograms.get(name)?.edges),
    )
  );
}

function hasSameKeys(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  return a.size === b.size && Array.from(a.keys()).every((key) => b.has(key));
}

function hasSameValues(a: Float32Array, b: Float32Array | undefined): boolean {
  if (a === b) return true;
  return b?.length === a.length && a.every((value, index) => value === b[index]);
}

function encodeScalars(frames: readonly Frame[], first: Frame): TensorToEncode[] {
  const shape = [frames.length];
  const tensors: TensorToEncode[] = [
    { name: 'step', dtype: 'I64', shape, data: BigInt64Array.from(frames, (f) => BigInt(f.step)) },
  ];
  if (first.wallTime !== null) {
    const data = Float64Array.from(frames, (frame) => frame.wallTime ?? NaN);
    tensors.push({ name: 'wall_time', dtype: 'F64', shape, data });
  }
  for (const scalar of first.scalars.keys()) {
    const data = Float64Array.from(frames, (frame) => frame.scalars.get(scalar) ?? NaN);
    const name = STANDARD_SCALARS.has(scalar) ? scalar : `scalar/${scalar}`;
    tensors.push({ name, dtype: 'F64', shape, data });
  }
  return tensors;
}

function encodeLayerMetrics(frames: readonly Frame[], first: Frame): TensorToEncode[] {
  return Array.from(first.layerMetrics.keys(), (metric) => {
    const name = `layer/${metric}`;
    return {
      name,
      dtype: 'F32',
      shape: [frames.length, first.layerCount],
      data: joinFloat32(
        frames.map((frame) => checkLength(name, frame.layerMetrics.get(metric), first.layerCount)),
      ),
    };
  });
}

function encodeHistograms(frames: readonly Frame[], first: Frame): TensorToEncode[] {
  const { layerCount } = first;
  return Array.from(first.histograms).flatMap(([name, { edges }]): TensorToEncode[] => {
    const binCount = edges.length - 1;
    const rows = frames
      .map((frame) => frame.histograms.get(name))
      .filter((row): row is HistogramFrame => row !== undefined);
    const join = (part: 'counts' | 'outside', width: number): Uint32Array =>
      joinUint32(rows.map((row) => checkLength(`${part} of ${name}`, row[part], width)));
    return [
      {
        name: `histogram/${name}`,
        dtype: 'U32',
        shape: [frames.length, layerCount, binCount],
        data: join('counts', layerCount * binCount),
      },
      { name: `edges/${name}`, dtype: 'F32', shape: [binCount + 1], data: edges },
      {
        name: `outside/${name}`,
        dtype: 'U32',
        shape: [frames.length, layerCount, 4],
        data: join('outside', layerCount * 4),
      },
    ];
  });
}

function encodeSamples(frames: readonly Frame[], first: Frame): TensorToEncode[] {
  if (first.samples === null) return [];
  const { sampleCount } = first.samples;
  const samples = frames
    .map((frame) => frame.samples)
    .filter((sample): sample is SampleFrame => sample !== null);
  return SAMPLE_PARTS.map(([name, part]) => ({
    name,
    dtype: 'F32',
    shape: [frames.length, first.layerCount, sampleCount],
    data: joinFloat32(
      samples.map((sample) => checkLength(name, sample[part], first.layerCount * sampleCount)),
    ),
  }));
}

/** A row of exactly the length its shape wants: one short row hidden by one long one would shift layers. */
function checkLength<Row extends Float32Array | Uint32Array>(
  name: string,
  row: Row | undefined,
  length: number,
): Row {
  if (row?.length !== length) {
    throw new RangeError(`${name}: expected ${length} values a step, got ${row?.length ?? 0}`);
  }
  return row;
}

function joinFloat32(rows: readonly Float32Array[]): Float32Array {
  // Typed-array `set` keeps the bits of NaN, so "not reported" stays itself.
  const joined = new Float32Array(rows.reduce((length, row) => length + row.length, 0));
  let offset = 0;
  for (const row of rows) {
    joined.set(row, offset);
    offset += row.length;
  }
  return joined;
}

function joinUint32(rows: readonly Uint32Array[]): Uint32Array {
  const joined = new Uint32Array(rows.reduce((length, row) => length + row.length, 0));
  let offset = 0;
  for (const row of rows) {
    joined.set(row, offset);
    offset += row.length;
  }
  return joined;
}
