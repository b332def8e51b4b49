import { describe, expect, it } from 'vitest';
import { STAGE_NAMES } from '@/lib/contract/stages';
import { stageLabel } from '@/lib/view/stages/stage-label';

describe('stageLabel', () => {
  it('has a word for every stage of the contract, and a letter of its own for the paper’s nine', () => {
    const labels = STAGE_NAMES.map(stageLabel);
    labels.forEach(({ word }, index) => {
      expect(word).not.toBe(STAGE_NAMES[index]);
    });
    const letters = labels.flatMap(({ letter }) => letter ?? []);
    expect(letters).toEqual(['H', 'G', 'U', 'C', 'A', 'T', 'X', 'D', 'R']);
  });

  it('writes a stage that it does not know as it came', () => {
    expect(stageLabel('molten')).toEqual({ letter: null, word: 'molten' });
  });
});
