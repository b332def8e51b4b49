import { describe, expect, it } from 'vitest';
import {
  chooseSteps,
  moveChosenStep,
  parseSteps,
  prepareStepWindow,
  resolveSteps,
  shiftSteps,
  stepByReports,
} from '@/lib/view/layer/chosen-steps';

const everyTen = [100, 110, 120, 130, 140];

describe('the chosen steps', () => {
  it('are the selected step and the reported ones beside it', () => {
    expect(chooseSteps([315, 316, 317, 318], 317)).toEqual({
      steps: [316, 317, 318],
      mainIndex: 1,
    });
  });

  it('take the newest reported step at or before one without a distribution', () => {
    expect(chooseSteps(everyTen, 127)).toEqual({ steps: [110, 120, 130], mainIndex: 1 });
  });

  it('stay three at either end, with the selected step where it is', () => {
    expect(chooseSteps(everyTen, 500)).toEqual({ steps: [120, 130, 140], mainIndex: 2 });
    expect(chooseSteps(everyTen, 3)).toEqual({ steps: [100, 110, 120], mainIndex: 0 });
  });

  it('are fewer where fewer were reported', () => {
    expect(chooseSteps([7], 9)).toEqual({ steps: [7], mainIndex: 0 });
    expect(chooseSteps([], 9)).toEqual({ steps: [], mainIndex: 0 });
  });

  it('come back from a URL as they were sent', () => {
    expect(resolveSteps([100, 120, 140], everyTen, 120)).toEqual({
      steps: [100, 120, 140],
      mainIndex: 1,
    });
    expect(resolveSteps([100, 120, 140], everyTen, 140).mainIndex).toBe(2);
    expect(resolveSteps([101, 102, 140], everyTen, 130)).toEqual(chooseSteps(everyTen, 130));
  });

  it('are read from text that is a list of steps and from no other', () => {
    expect(parseSteps('316,317,319')).toEqual([316, 317, 319]);
    for (const text of [null, '', '1,2,3,4', '-1,2', '1.5', 'a', '1,,2']) {
      expect(parseSteps(text)).toEqual([]);
    }
  });
});

describe('moving a chosen step', () => {
  it('snaps to the nearest reported step', () => {
    expect(moveChosenStep([100, 120, 140], 1, 127, everyTen)).toEqual([100, 130, 140]);
  });

  it('pushes the others along and keeps the order of time', () => {
    expect(moveChosenStep([100, 110, 120], 1, 131, everyTen)).toEqual([100, 130, 140]);
    expect(moveChosenStep([120, 130, 140], 2, 95, everyTen)).toEqual([100, 110, 120]);
  });

  it('leaves room at the ends for the others', () => {
    expect(moveChosenStep([100, 120, 140], 1, 900, everyTen)).toEqual([100, 130, 140]);
    expect(moveChosenStep([110, 120, 130], 1, 0, everyTen)).toEqual([100, 110, 130]);
    expect(moveChosenStep([7], 0, 900, [7])).toEqual([7]);
  });

  it('moves all of them together as far as there are reports', () => {
    expect(shiftSteps([100, 110, 130], 1, everyTen)).toEqual([110, 120, 140]);
    expect(shiftSteps([110, 120, 140], 1, everyTen)).toEqual([110, 120, 140]);
    expect(shiftSteps([110, 120, 140], -5, everyTen)).toEqual([100, 110, 130]);
  });

  it('walks by reports, not by steps, and stops at the ends', () => {
    expect(stepByReports(everyTen, 120, 1)).toBe(130);
    expect(stepByReports(everyTen, 120, -9)).toBe(100);
    expect(stepByReports(everyTen, 140, 1)).toBe(140);
  });
});

describe('the window', () => {
  it('holds 48 reports, 28 of them after the step, inside the run', () => {
    expect(prepareStepWindow(317, 1, 1, 640)).toEqual({ fromStep: 297, toStep: 345 });
    expect(prepareStepWindow(3000, 100, 0, 100_000)).toEqual({ fromStep: 1000, toStep: 5800 });
  });

  it('ends with the run and reaches back for what is missing there', () => {
    expect(prepareStepWindow(640, 1, 1, 640)).toEqual({ fromStep: 592, toStep: 640 });
    expect(prepareStepWindow(3, 1, 1, 640)).toEqual({ fromStep: 1, toStep: 49 });
    expect(prepareStepWindow(3, 1, 1, 10)).toEqual({ fromStep: 1, toStep: 10 });
  });
});
