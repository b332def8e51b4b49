import type { ThemeName } from '@/lib/view/colours/colour-ramp';
import type { StageColours } from '@/lib/view/stages/stage-colours';

/** The tokens that canvases need as numbers; a test holds them equal to tokens.css. */
export const CANVAS_COLOURS: Readonly<
  Record<ThemeName, Readonly<Record<'bg' | 'line2' | 'divergence', string>>>
> = {
  dark: { bg: '#0f1113', line2: '#3a4147', divergence: '#ff5fc4' },
  light: { bg: '#fcfbf8', line2: '#bfb9ad', divergence: '#b0107f' },
};

export const STAGE_COLOURS: Readonly<Record<ThemeName, StageColours>> = {
  dark: {
    byLetter: {
      h: '#2c2e31',
      g: '#2c4981',
      u: '#3a98e2',
      c: '#8648c7',
      a: '#be6198',
      t: '#ff8e4a',
      x: '#f4e7a0',
      d: '#8bc8c5',
      r: '#277c4d',
    },
    unknown: '#15181b',
    diverged: '#ff5fc4',
  },
  light: {
    byLetter: {
      h: '#e7e6e2',
      g: '#95c9f3',
      u: '#4f80b4',
      c: '#5b40be',
      a: '#aa086b',
      t: '#df5205',
      x: '#520500',
      d: '#6aae9c',
      r: '#c2c472',
    },
    unknown: '#f5f3ee',
    diverged: '#b0107f',
  },
};
