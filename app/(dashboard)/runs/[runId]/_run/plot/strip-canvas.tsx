'use client';

import { useEffect, useRef } from 'react';
import { packHex } from '@/lib/view/colours/colour-ramp';
import { rasteriseStrip } from '@/lib/view/heatmap/perplexity-strip';
import type { RunColumns } from '@/lib/view/heatmap/run-columns';
import { CANVAS_COLOURS } from '@/app/_design/canvas-colours';
import type { Theme } from '@/app/_hooks/use-theme';
import { placeCanvas, type Lane, type PlotGeometry } from './plot-geometry';

/** The grey strip of log perplexity along the steps of the heatmap. */
export function StripCanvas({
  geometry,
  across,
  columns,
  version,
  theme,
}: {
  readonly geometry: PlotGeometry;
  readonly across: Lane;
  readonly columns: RunColumns;
  readonly version: number;
  readonly theme: Theme;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { axis } = geometry;
  const isRight = geometry.orientation === 'steps-right';
  const { stepPixels, width, height, style } = placeCanvas(geometry, across);

  useEffect(() => {
    const context = canvas.current?.getContext('2d', { alpha: false });
    if (context === null || context === undefined || width === 0 || height === 0) return;
    const background = packHex(CANVAS_COLOURS[theme].bg);
    const pieces = columns.finer?.pieces(axis, stepPixels);
    const strip = rasteriseStrip(columns, axis, stepPixels, theme, pieces);
    const image = context.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    for (let at = 0; at < pixels.length; at++) {
      const colour = strip[isRight ? at % width : Math.floor(at / width)] ?? 0;
      pixels[at] = colour === 0 ? background : colour;
    }
    context.putImageData(image, 0, 0);
  }, [columns, version, axis, stepPixels, width, height, isRight, theme]);

  return <canvas ref={canvas} aria-hidden width={width} height={height} style={style} />;
}
