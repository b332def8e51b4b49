import { describe, expect, it } from 'vitest';
import { STAGE_NAMES, findWorstStage, stageCode } from '@/lib/contract/stages';
import { STAGES } from '@/lib/detect/stage-names';

describe('stages', () => {
  it('are those of the detectors, with their codes', () => {
    expect(STAGE_NAMES).toEqual(STAGES);
    expect(stageCode('healthy')).toBe(1);
    expect(stageCode('diverged')).toBe(10);
    expect(stageCode('elsewhere')).toBeNaN();
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
