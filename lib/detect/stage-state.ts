/** What the stage machine remembers of every layer. */
import { Label, Stage } from './stage-names';

/** Inputs that jobs post less often than every step are held until a new one comes. */
export const HELD_INPUTS = [
  'second_moment_below_epsilon_fraction',
  'update_std',
  'ratio_std',
  'update_dip',
  'ratio_dip',
  'gradient_cosine',
  'ratio_beyond_bound_fraction',
] as const;
export type HeldInput = (typeof HELD_INPUTS)[number];

export interface StageState {
  readonly layers: number;
  /** Samples watched so far. */
  sampleCount: number;
  /** The first step watched, and the newest; null before it. */
  firstStep: number | null;
  lastStep: number | null;
  /** [inputs, L] newest values; the cosine smoothed; NaN until one has come. */
  readonly held: Float32Array;
  /** [inputs, L] sampleCount when it came. */
  readonly heldAt: Uint32Array;
  /** [L] share of coordinates that had no gradient in the first samples; NaN unknown. */
  readonly structuralZeros: Float32Array;
  /** [L] codes of Stage, and of Label. */
  readonly stage: Uint32Array;
  readonly label: Uint32Array;
  /** [L] the stage asked for by the newest samples, how many in a row, and the step of the first. */
  readonly wanted: Uint32Array;
  readonly wantedSamples: Uint32Array;
  readonly wantedFrom: Float64Array;
  /** [L] steps since the newest stage began; samples since the newest jump. */
  readonly stageSteps: Uint32Array;
  readonly quietSamples: Uint32Array;
  /** [L] samples since the newest label began, or since r was last seen beyond its bound. */
  readonly labelSamples: Uint32Array;
  /** [L] 1 when a loss event was open since the layer triggered. */
  readonly hasSeenLossEvent: Uint32Array;
}

/** More than any count of samples: no jump so far. */
const NEVER = 0xffff;

export function createStageState(layers: number): StageState {
  return {
    layers,
    sampleCount: 0,
    firstStep: null,
    lastStep: null,
    held: new Float32Array(HELD_INPUTS.length * layers).fill(NaN),
    heldAt: new Uint32Array(HELD_INPUTS.length * layers),
    structuralZeros: new Float32Array(layers).fill(NaN),
    stage: new Uint32Array(layers).fill(Stage.insufficientData),
    label: new Uint32Array(layers).fill(Label.none),
    wanted: new Uint32Array(layers).fill(Stage.insufficientData),
    wantedSamples: new Uint32Array(layers),
    wantedFrom: new Float64Array(layers),
    stageSteps: new Uint32Array(layers),
    quietSamples: new Uint32Array(layers).fill(NEVER),
    labelSamples: new Uint32Array(layers),
    hasSeenLossEvent: new Uint32Array(layers),
  };
}
