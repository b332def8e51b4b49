import {
  moveChosenStep,
  shiftSteps,
  type ChosenSteps,
  type StepWindow,
} from '@/lib/view/layer/chosen-steps';
import { chooseInUrl } from './use-layer-url';

export interface MoveContext {
  readonly chosen: ChosenSteps;
  readonly available: readonly number[];
  readonly window: StepWindow | null;
  readonly firstStep: number;
  readonly lastStep: number;
}

export interface LayerMoves {
  /** Moves one chosen step to the report nearest to `target`. */
  readonly one: (index: number, target: number) => void;
  /** Makes a step the selected one. */
  readonly main: (step: number) => void;
  /** Moves all chosen steps by so many reports; at the window's end, the window. */
  readonly together: (offset: 1 | -1) => void;
  /** Moves the window by half of itself and the selected step with it. */
  readonly page: (direction: 1 | -1) => void;
}

const isSame = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((step, i) => step === b[i]);

/** What a person can do with the chosen steps; each ends in the URL and nowhere else. */
export function layerMoves(context: MoveContext): LayerMoves {
  const { chosen, available, window, firstStep, lastStep } = context;
  const { steps, mainIndex } = chosen;

  const choose = (next: readonly number[]) => {
    const step = next[mainIndex];
    // The window is written too: from the first move on it stays where it is.
    if (step !== undefined && !isSame(next, steps)) chooseInUrl({ step, steps: next, window });
  };
  const one = (index: number, target: number) =>
    choose(moveChosenStep(steps, index, target, available));
  const page = (direction: 1 | -1) => {
    const main = steps[mainIndex];
    if (window === null || main === undefined) return;
    const span = window.toStep - window.fromStep;
    const wanted = direction * Math.max(1, Math.round(span / 2));
    const room = direction < 0 ? firstStep - window.fromStep : lastStep - window.toStep;
    const shift =
      direction < 0 ? Math.max(wanted, Math.min(0, room)) : Math.min(wanted, Math.max(0, room));
    if (shift === 0) return;
    chooseInUrl({
      step: main + shift,
      steps: null,
      window: { fromStep: window.fromStep + shift, toStep: window.toStep + shift },
    });
  };
  return {
    one,
    page,
    main: (step) => {
      const place = available.indexOf(step);
      const last = available.length - (steps.length - mainIndex);
      // At either end there is no room for a step beside it: the columns are chosen anew.
      if (place >= mainIndex && place <= last) one(mainIndex, step);
      else chooseInUrl({ step, steps: null, window });
    },
    together: (offset) => {
      const next = shiftSteps(steps, offset, available);
      if (isSame(next, steps)) page(offset);
      else choose(next);
    },
  };
}
