import type { ThemeName } from '@/lib/view/colour-ramp';

/** The tokens that canvases need as numbers; a test holds them equal to tokens.css. */
export const CANVAS_COLOURS: Readonly<
  Record<ThemeName, Readonly<Record<'bg' | 'line2' | 'divergence', string>>>
> = {
  dark: { bg: '#0f1113', line2: '#3a4147', divergence: '#ff5fc4' },
  light: { bg: '#fcfbf8', line2: '#bfb9ad', divergence: '#b0107f' },
};
