import { describe, expect, it } from 'vitest';
import { RATIO_EXCESS_METRIC } from '@/lib/contract/standard-metrics';
import {
  STAGE_INPUTS,
  STAGE_LABEL_MEANINGS,
  STAGE_NAMES,
  describeStageLabel,
  findWorstStage,
  stageCode,
} from '@/lib/contract/stages';
import { STAGE_LABELS, Stage, stageName } from '@/lib/detect/stage-names';
import { HELD_INPUTS } from '@/lib/detect/stage-state';

describe('stages', () => {
  it('are those of the detectors, with their codes', () => {
    const inSnakeCase = (name: string) => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
    expect(Object.keys(Stage).map(inSnakeCase)).toEqual([...STAGE_NAMES]);
    expect(Object.values(Stage).map(stageName)).toEqual([...STAGE_NAMES]);
    expect(stageCode('healthy')).toBe(1);
    expect(stageCode('diverged')).toBe(10);
    expect(stageCode('elsewhere')).toBeNaN();
  });

  it('are read from what the detectors hold and the gradient', () => {
    // What lies beyond the bound of r makes a label and no stage.
    const held = HELD_INPUTS.filter((name) => name !== RATIO_EXCESS_METRIC);
    expect(STAGE_INPUTS.flat().toSorted()).toEqual(
      ['gradient_norm', 'gradient_rms', ...held].toSorted(),
    );
  });

  it('have words for every label', () => {
    const labels = STAGE_LABELS.filter((label) => label !== null);
    expect(labels.map(describeStageLabel)).not.toContain(null);
    expect(Object.keys(STAGE_LABEL_MEANINGS).toSorted()).toEqual(labels.toSorted());
    expect(describeStageLabel('corrupt_ratio')).toBe(
      '|r| beyond its bound: the posted moments are not Adam’s with these betas',
    );
    expect(describeStageLabel(null)).toBeNull();
    expect(describeStageLabel('elsewhere')).toBeNull();
  });

  it('are worse on the way in than on the way back', () => {
    expect(findWorstStage(['healthy', 'recovering', 'insufficient_data'])).toBe('recovering');
    expect(findWorstStage(['recovering', 'armed', 'healthy'])).toBe('armed');
    expect(findWorstStage([...STAGE_NAMES].reverse())).toBe('diverged');
    expect(findWorstStage(['insufficient_data'])).toBe('insufficient_data');
    expect(findWorstStage([])).toBeNull();
    expect(findWorstStage(['elsewhere'])).toBeNull();
  });
});
