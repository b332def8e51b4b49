'use client';

import { useEffect, useRef } from 'react';
import { packHex } from '@/lib/view/colours/colour-ramp';
import { gatherCodes, type HeatmapCodes } from '@/lib/view/heatmap/heatmap-codes';
import { paintHeatmap } from '@/lib/view/heatmap/heatmap-raster';
import { wholeAxis, type RasterColumns } from '@/lib/view/heatmap/raster-columns';
import type { FinerColumns } from '@/lib/view/heatmap/run-columns';
import { findSpecialCells, type SpecialCell } from '@/lib/view/heatmap/special-cells';
import { CANVAS_COLOURS } from '@/app/_design/canvas-colours';
import type { Theme } from '@/app/_hooks/use-theme';
import type { CellColours } from '../model/colour-motion';
import { drawSigns } from './draw-signs';
import { placeCanvas, type PlotGeometry } from './plot-geometry';

/** What is drawn: columns of the run, or what was computed from them. */
type HeatmapCells = RasterColumns & { readonly finer: FinerColumns | null };

/** A sign needs so many CSS pixels to be told from a smudge. */
const LEAST_SIGN_PX = 7;
const HATCH_PERIOD_PX = 5;

/**
 * The layer × step heatmap, one canvas at the screen's own pixels. Redrawn whole: at most
 * once a frame, some milliseconds, and without state that could disagree with the data.
 * Where the columns are coarser than pixels it draws what is finer, and asks for it. The
 * codes of the pixels are kept, so that other colours take one look-up a pixel.
 */
export function HeatmapCanvas({
  geometry,
  columns,
  version,
  colours,
  theme,
  label,
}: {
  readonly geometry: PlotGeometry;
  readonly columns: HeatmapCells;
  /** Of the data: the columns grow in place. */
  readonly version: number;
  readonly colours: CellColours;
  readonly theme: Theme;
  readonly label: string;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const image = useRef<ImageData | null>(null);
  const picture = useRef<{ codes: HeatmapCodes; signs: readonly SpecialCell[] } | null>(null);
  const { axis, orientation, layerLane, devicePixelRatio } = geometry;
  const isRight = orientation === 'steps-right';
  const place = placeCanvas(geometry, layerLane);
  const { stepPixels, acrossPixels: layerPixels, width, height } = place;

  useEffect(() => {
    if (stepPixels === 0 || layerPixels === 0) return;
    const { layerOfRow } = geometry;
    const { bands } = geometry.layerAxis;
    const plot = { axis, stepPixels, layerPixels, bands, layerOfRow, orientation };
    const pieces = columns.finer?.pieces(axis, stepPixels) ?? wholeAxis(columns);
    picture.current = {
      codes: gatherCodes(pieces, plot, picture.current?.codes),
      signs: findSpecialCells(pieces, plot, LEAST_SIGN_PX * devicePixelRatio),
    };
    columns.finer?.want(axis, stepPixels);
  }, [geometry, axis, columns, version, stepPixels, layerPixels, orientation, devicePixelRatio]);

  useEffect(() => {
    const context = canvas.current?.getContext('2d', { alpha: false });
    if (context === null || context === undefined || width === 0 || height === 0) return;
    const { bg, line2 } = CANVAS_COLOURS[theme];
    const { motion } = colours;
    const paint = () => {
      if (picture.current === null) return;
      // Kept: a picture of ten megabytes a frame would have the page collecting memory.
      if (image.current?.width !== width || image.current.height !== height) {
        image.current = context.createImageData(width, height);
      }
      const range = motion.get();
      const look = {
        table: range === null ? colours.table : colours.tableOf(range),
        background: packHex(bg),
        hatch: packHex(line2),
        hatchPeriod: Math.round(HATCH_PERIOD_PX * devicePixelRatio),
      };
      paintHeatmap(picture.current.codes, look, new Uint32Array(image.current.data.buffer));
      context.putImageData(image.current, 0, 0);
      drawSigns(context, picture.current.signs, isRight, theme, devicePixelRatio);
    };
    paint();
    // What ends a drag sets the colours as well, which paints.
    return motion.subscribe(() => {
      if (motion.get() !== null) paint();
    });
  }, [geometry, columns, version, colours, theme, width, height, isRight, devicePixelRatio]);

  return (
    <canvas
      ref={canvas}
      role="img"
      aria-label={label}
      aria-busy={columns.finer?.lacks(axis, stepPixels) ?? false}
      width={width}
      height={height}
      style={{ ...place.style, imageRendering: 'pixelated' }}
    />
  );
}
