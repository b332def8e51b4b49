'use client';

import { useEffect, useRef } from 'react';
import { packHex } from '@/lib/view/colours/colour-ramp';
import { rasteriseStrip } from '@/lib/view/heatmap/perplexity-strip';
import type { RunColumns } from '@/lib/view/heatmap/run-columns';
import type { StepAxis } from '@/lib/view/axes/step-axis';
import { CANVAS_COLOURS } from '@/app/_design/canvas-colours';
import type { Theme } from '@/app/_hooks/use-theme';
import type { Lane } from './plot-geometry';

/** The grey strip of log perplexity along the steps of the heatmap. */
export function StripCanvas({
  columns,
  version,
  axis,
  along,
  across,
  orientation,
  devicePixelRatio,
  theme,
}: {
  readonly columns: RunColumns;
  readonly version: number;
  readonly axis: StepAxis;
  readonly along: Lane;
  readonly across: Lane;
  readonly orientation: 'steps-right' | 'steps-down';
  readonly devicePixelRatio: number;
  readonly theme: Theme;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const isRight = orientation === 'steps-right';
  const length = Math.round(along.size * devicePixelRatio);
  const breadth = Math.round(across.size * devicePixelRatio);
  const width = isRight ? length : breadth;
  const height = isRight ? breadth : length;

  useEffect(() => {
    const context = canvas.current?.getContext('2d', { alpha: false });
    if (context === null || context === undefined || width === 0 || height === 0) return;
    const background = packHex(CANVAS_COLOURS[theme].bg);
    const pieces = columns.finer?.pieces(axis, length);
    const strip = rasteriseStrip(columns, axis, length, theme, pieces);
    const image = context.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    for (let at = 0; at < pixels.length; at++) {
      const colour = strip[isRight ? at % width : Math.floor(at / width)] ?? 0;
      pixels[at] = colour === 0 ? background : colour;
    }
    context.putImageData(image, 0, 0);
  }, [columns, version, axis, length, width, height, isRight, theme]);

  return (
    <canvas
      ref={canvas}
      aria-hidden
      width={width}
      height={height}
      style={{
        position: 'absolute',
        left: isRight ? along.start : across.start,
        top: isRight ? across.start : along.start,
        width: width / devicePixelRatio,
        height: height / devicePixelRatio,
      }}
    />
  );
}
