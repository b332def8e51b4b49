import { describe, expect, it } from 'vitest';
import { STAGE_NAMES } from '@/lib/contract/stages';
import { STAGE_COLOURS } from '@/app/_design/canvas-colours';
import { hexOfPacked } from '@/lib/view/colours/colour-ramp';
import { CODE_NON_FINITE, encodeMagnitude } from '@/lib/view/colours/magnitude-code';
import { bakeStageTable, countStages, stageColour } from '@/lib/view/stages/stage-colours';

describe('stages as colours', () => {
  it('give every stage a colour of its own', () => {
    for (const theme of ['dark', 'light'] as const) {
      const colours = STAGE_NAMES.map((_, index) => stageColour(index, STAGE_COLOURS[theme]));
      expect(new Set(colours).size).toBe(STAGE_NAMES.length);
    }
  });

  it('stand in the table at the code of their number, and nothing between them', () => {
    const table = bakeStageTable(STAGE_COLOURS.dark);
    const trigger = STAGE_NAMES.indexOf('trigger');
    expect(hexOfPacked(table[encodeMagnitude(trigger, 0)]!)).toBe('#ff8e4a');
    expect(hexOfPacked(table[CODE_NON_FINITE]!)).toBe('#ff5fc4');
    expect(table[encodeMagnitude(trigger + 0.5, 0)]).toBe(0);
    expect(table[0]).toBe(0);
  });

  it('are counted in the order of the paper, and not at all while none is known', () => {
    expect(countStages([8, 1, 1, 0, 8])!.map(({ letter, count }) => [letter, count])).toEqual([
      ['–', 1],
      ['H', 2],
      ['D', 2],
    ]);
    expect(countStages([0, 0, NaN])).toBeNull();
  });
});
