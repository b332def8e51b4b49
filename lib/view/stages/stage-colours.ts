import { STAGE_NAMES } from '../../contract/stages';
import { packHex } from '../colours/colour-ramp';
import { CODE_COUNT, CODE_NON_FINITE, encodeMagnitude } from '../colours/magnitude-code';
import { stageLabel } from './stage-label';

/** Colours by the letter of a stage, lower case, and what stands for the two without one. */
export interface StageColours {
  readonly byLetter: Readonly<Record<string, string>>;
  /** Too little is known of the layer to place it. */
  readonly unknown: string;
  readonly diverged: string;
}

/** The colour of the stage with this index in `STAGE_NAMES`. */
export function stageColour(index: number, colours: StageColours): string {
  const name = STAGE_NAMES[index];
  if (name === undefined || name === 'insufficient_data') return colours.unknown;
  const { letter } = stageLabel(name);
  if (name === 'diverged' || letter === null) return colours.diverged;
  return colours.byLetter[letter.toLowerCase()] ?? colours.unknown;
}

/** [65536] the packed colour of every code of the metric `stage`; 0 where no stage has the code. */
export function bakeStageTable(colours: StageColours): Uint32Array {
  const table = new Uint32Array(CODE_COUNT);
  STAGE_NAMES.forEach((_, index) => {
    table[encodeMagnitude(index, 0)] = packHex(stageColour(index, colours));
  });
  table[CODE_NON_FINITE] = packHex(colours.diverged);
  return table;
}

export interface StageShare {
  readonly stage: string;
  readonly letter: string;
  readonly word: string;
  readonly count: number;
}

/**
 * How many layers stand in each stage, in the order of the paper; null while not one of
 * them could be placed, since a column of "unknown" says nothing.
 */
export function countStages(stages: readonly number[]): readonly StageShare[] | null {
  if (!stages.some((stage) => stage > 0)) return null;
  return STAGE_NAMES.flatMap((stage, index) => {
    const count = stages.filter((own) => own === index).length;
    if (count === 0) return [];
    const { letter, word } = stageLabel(stage);
    return [{ stage, letter: letter ?? '–', word, count }];
  });
}
