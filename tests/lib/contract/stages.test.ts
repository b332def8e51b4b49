import { describe, expect, it } from 'vitest';
import { STAGE_INPUTS, STAGE_NAMES, findWorstStage, stageCode } from '@/lib/contract/stages';
import { Stage, stageName } from '@/lib/detect/stage-names';
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
    expect(STAGE_INPUTS.flat().toSorted()).toEqual(
      ['gradient_norm', 'gradient_rms', ...HELD_INPUTS].toSorted(),
    );
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
