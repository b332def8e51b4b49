import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CANVAS_COLOURS, STAGE_COLOURS } from '@/app/_design/canvas-colours';

const css = readFileSync(new URL('../../../app/_design/tokens.css', import.meta.url), 'utf8');

/** The custom properties of one theme's block. */
function tokensOf(theme: 'dark' | 'light'): Map<string, string> {
  const block = new RegExp(`\\[data-theme='${theme}'\\] \\{([^}]*)\\}`).exec(css)![1]!;
  return new Map(
    [...block.matchAll(/--([\w-]+):\s*([^;]+);/g)].map(([, name, value]) => [name!, value!]),
  );
}

function luminance(hex: string): number {
  const [red, green, blue] = [1, 3, 5].map((start) => {
    const channel = parseInt(hex.slice(start, start + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high! + 0.05) / (low! + 0.05);
}

/** As published with the visual direction. */
const PUBLISHED = {
  dark: {
    text: 15.7,
    text2: 8.6,
    text3: 5.3,
    control: 3.7,
    accent: 7.8,
    ok: 8.8,
    'loss-spike': 6.7,
    'outlier-batch': 8.8,
    divergence: 6.9,
    'rms-spike': 8.3,
    checkpoint: 7.3,
  },
  light: {
    text: 16.5,
    text2: 6.9,
    text3: 4.9,
    control: 3.5,
    accent: 5.8,
    ok: 5.6,
    'loss-spike': 5.1,
    'outlier-batch': 5.4,
    divergence: 6.3,
    'rms-spike': 6.1,
    checkpoint: 5.9,
  },
};

describe.each(['dark', 'light'] as const)('the %s theme', (theme) => {
  const tokens = tokensOf(theme);

  it('reaches the published contrast against the background', () => {
    for (const [name, ratio] of Object.entries(PUBLISHED[theme])) {
      expect(contrast(tokens.get(name)!, tokens.get('bg')!), name).toBeCloseTo(ratio, 0);
      expect(contrast(tokens.get(name)!, tokens.get('bg')!), name).toBeGreaterThan(ratio - 0.15);
    }
  });

  it('gives letters on stages at least 4.6 to 1', () => {
    for (const stage of ['h', 'g', 'u', 'c', 'a', 't', 'x', 'd', 'r']) {
      const ratio = contrast(tokens.get(`stage-${stage}`)!, tokens.get(`on-stage-${stage}`)!);
      expect(ratio, stage).toBeGreaterThanOrEqual(4.6);
    }
  });

  it('is the same on canvases', () => {
    for (const [name, colour] of Object.entries(CANVAS_COLOURS[theme])) {
      expect(colour).toBe(tokens.get(name));
    }
    for (const [letter, colour] of Object.entries(STAGE_COLOURS[theme].byLetter)) {
      expect(colour).toBe(tokens.get(`stage-${letter}`));
    }
    expect(STAGE_COLOURS[theme].unknown).toBe(tokens.get('raised'));
    expect(STAGE_COLOURS[theme].diverged).toBe(tokens.get('divergence'));
  });

  it('names the same tokens as the other', () => {
    const other = tokensOf(theme === 'dark' ? 'light' : 'dark');
    expect([...tokens.keys()].sort()).toEqual([...other.keys()].sort());
  });
});
