/**
 * A run's detectors as bytes and back, exactly: a worker that restarts goes on as if it
 * had not, and a new attempt starts from a copy. A safetensors container: the columns of
 * the layers as they are, all else on a tape of float64.
 */
import {
  encodeSafetensors,
  parseSafetensors,
  readFloat32,
  readFloat64,
  readUint32,
} from '../contract/safetensors';
import { warningKindSchema } from '../contract/warnings';
import type { LayerBaselines } from './layer-baselines';
import {
  readFilter,
  readLossDetector,
  readWindow,
  writeFilter,
  writeLossDetector,
  writeWindow,
} from './loss-codec';
import type { FirstMover } from './mover-log';
import { TapeReader, TapeWriter } from './number-tape';
import { readPrecursor, writePrecursor } from './precursor-codec';
import { type RunDetector, createRunDetector } from './run-detector';

/** Raised whenever the meaning of any number changes: older bytes are then refused. */
const VERSION = 5;

type Column = Float32Array | Float64Array | Uint32Array;

/** Every column, by the name it has in the container. */
function columnsOf({ monitor, stages }: RunDetector): Record<string, Column> {
  return {
    ...baselineColumns('gradient', monitor.gradient),
    ...baselineColumns('rms', monitor.rms),
    flags: monitor.flags,
    held_samples: monitor.heldSamples,
    rms_spiked_at: monitor.rmsSpikedAt,
    mover_step: monitor.movers.step,
    mover_layer: monitor.movers.layer,
    mover_metric: monitor.movers.metric,
    mover_z: monitor.movers.z,
    stage_held: stages.held,
    stage_held_at: stages.heldAt,
    structural_zeros: stages.structuralZeros,
    stage: stages.stage,
    label: stages.label,
    wanted: stages.wanted,
    wanted_samples: stages.wantedSamples,
    wanted_from: stages.wantedFrom,
    stage_steps: stages.stageSteps,
    quiet_samples: stages.quietSamples,
    label_samples: stages.labelSamples,
    has_seen_loss_event: stages.hasSeenLossEvent,
  };
}

function baselineColumns(name: string, baselines: LayerBaselines): Record<string, Column> {
  const { ring, median, scale, scaleAt } = baselines;
  return {
    [`${name}_ring`]: ring,
    [`${name}_median`]: median,
    [`${name}_scale`]: scale,
    [`${name}_scale_at`]: scaleAt,
  };
}

export function encodeDetector(detector: RunDetector): Uint8Array<ArrayBuffer> {
  const tensors = Object.entries(columnsOf(detector)).map(([name, data]) => ({
    name,
    dtype: dtypeOf(data),
    shape: [data.length],
    data,
  }));
  const tape = writeTape(detector);
  return encodeSafetensors([
    ...tensors,
    { name: 'tape', dtype: 'F64', shape: [tape.length], data: tape },
  ]);
}

function dtypeOf(data: Column): 'F32' | 'F64' | 'U32' {
  if (data instanceof Float32Array) return 'F32';
  return data instanceof Float64Array ? 'F64' : 'U32';
}

/**
 * Throws  RangeError for bytes of another version or shape, AppError `invalid_body` for
 *         bytes that are no container: the caller then starts anew from stored steps
 */
export function decodeDetector(bytes: Uint8Array): RunDetector {
  const { tensors } = parseSafetensors(bytes);
  const tapeTensor = tensors.get('tape');
  if (tapeTensor === undefined) throw new RangeError('expected a tape');
  const tape = new TapeReader(readFloat64('tape', tapeTensor));
  const version = tape.number();
  if (version !== VERSION)
    throw new RangeError(`expected state of version ${VERSION}, got ${version}`);
  const detector = readTape(tape);
  for (const [name, column] of Object.entries(columnsOf(detector))) {
    const tensor = tensors.get(name);
    if (tensor?.dtype !== dtypeOf(column) || tensor.elementCount !== column.length) {
      throw new RangeError(`${name}: expected ${column.length} values of ${dtypeOf(column)}`);
    }
    if (column instanceof Float32Array) column.set(readFloat32(name, tensor));
    else if (column instanceof Float64Array) column.set(readFloat64(name, tensor));
    else column.set(readUint32(name, tensor));
  }
  return detector;
}

function writeTape(detector: RunDetector): Float64Array<ArrayBuffer> {
  const { monitor, norm, odds, rmsSpikes, stages, curvature } = detector;
  const tape = new TapeWriter();
  tape.number(VERSION);
  tape.number(detector.layers);
  tape.number(detector.newestStep);
  tape.boolean(detector.isLossLost);
  writeLossDetector(tape, detector.loss);
  tape.number(monitor.gradient.sampleCount);
  tape.number(monitor.rms.sampleCount);
  tape.number(monitor.movers.written);
  tape.number(monitor.lastMoverStep);
  tape.number(odds.quietSteps);
  tape.number(odds.stepsAfterMover);
  tape.list(detector.precursors, (held) => {
    writePrecursor(tape, held);
  });
  tape.optional(detector.watchedFromStep, (step) => {
    tape.number(step);
  });
  writeFilter(tape, norm.filter);
  writeWindow(tape, norm.window);
  tape.boolean(norm.isMoving);
  tape.list(norm.excursions, ({ step, z }) => {
    tape.number(step);
    tape.number(z);
  });
  tape.optional(rmsSpikes.open, (open) => {
    tape.number(open.onsetStep);
    tape.number(open.lastStep);
    tape.optional(open.quietStep, (step) => tape.number(step));
    tape.number(open.peakStep);
    tape.number(open.peakValue);
    tape.optional(open.baseline, (baseline) => tape.number(baseline));
    tape.list(open.layers, ({ layer, step, z }) => {
      tape.number(layer);
      tape.number(step);
      tape.optional(z, (known) => tape.number(known));
    });
    tape.numbers(open.seen);
  });
  tape.number(stages.sampleCount);
  tape.optional(stages.firstStep, (step) => tape.number(step));
  tape.optional(stages.lastStep, (step) => tape.number(step));
  tape.list(curvature.samples, ({ step, kappa }) => {
    tape.number(step);
    tape.number(kappa);
  });
  tape.number(curvature.aboveSamples);
  tape.number(curvature.aboveFrom);
  tape.list(curvature.open, (warning) => {
    tape.choice(warningKindSchema.options, warning.kind);
    tape.number(warning.fromStep);
    tape.number(warning.lastStep);
    tape.number(warning.peakStep);
    tape.number(warning.peakValue);
    tape.optional(warning.learningRate, (rate) => {
      tape.number(rate);
    });
  });
  tape.boolean(curvature.isAlerting);
  return tape.finish();
}

function readTape(tape: TapeReader): RunDetector {
  const empty = createRunDetector(tape.number());
  const newestStep = tape.number();
  const isLossLost = tape.boolean();
  const loss = readLossDetector(tape);
  const { monitor, stages } = empty;
  monitor.gradient.sampleCount = tape.number();
  monitor.rms.sampleCount = tape.number();
  monitor.movers.written = tape.number();
  monitor.lastMoverStep = tape.number();
  const odds = { quietSteps: tape.number(), stepsAfterMover: tape.number() };
  const precursors = tape.list(() => readPrecursor(tape));
  const watchedFromStep = tape.optional(tape.number);
  const norm = {
    filter: readFilter(tape),
    window: readWindow(tape),
    isMoving: tape.boolean(),
    excursions: tape.list(() => ({ step: tape.number(), z: tape.number() })),
  };
  const open = tape.optional(() => ({
    onsetStep: tape.number(),
    lastStep: tape.number(),
    quietStep: tape.optional(tape.number),
    peakStep: tape.number(),
    peakValue: tape.number(),
    baseline: tape.optional(tape.number),
    layers: tape.list((): FirstMover => ({
      layer: tape.number(),
      metric: 'rms',
      step: tape.number(),
      leadSteps: 0,
      z: tape.optional(tape.number),
    })),
    seen: tape.numbers(),
  }));
  stages.sampleCount = tape.number();
  stages.firstStep = tape.optional(tape.number);
  stages.lastStep = tape.optional(tape.number);
  const curvature = {
    samples: tape.list(() => ({ step: tape.number(), kappa: tape.number() })),
    aboveSamples: tape.number(),
    aboveFrom: tape.number(),
    open: tape.list(() => ({
      kind: tape.choice(warningKindSchema.options),
      fromStep: tape.number(),
      lastStep: tape.number(),
      peakStep: tape.number(),
      peakValue: tape.number(),
      learningRate: tape.optional(tape.number),
    })),
    isAlerting: tape.boolean(),
  };
  tape.finish();
  return {
    ...empty,
    ...{ newestStep, isLossLost, watchedFromStep, loss, norm, odds, precursors, curvature },
    rmsSpikes: { open },
  };
}
