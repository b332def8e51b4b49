'use client';

import { useEffect, useRef } from 'react';
import { packHex } from '@/lib/view/colour-ramp';
import {
  findSpecialCells,
  rasteriseHeatmap,
  wholeAxis,
  type RasterColumns,
  type SpecialCell,
} from '@/lib/view/heatmap-raster';
import type { FinerColumns } from '@/lib/view/run-columns';
import { CANVAS_COLOURS } from '@/app/_design/canvas-colours';
import type { Theme } from '@/app/_hooks/use-theme';
import type { PlotGeometry } from './plot-geometry';

/** What is drawn: columns of the run, or what was computed from them. */
type HeatmapCells = RasterColumns & { readonly finer: FinerColumns | null };

/** A sign needs so many CSS pixels to be told from a smudge. */
const LEAST_SIGN_PX = 7;
const HATCH_PERIOD_PX = 5;

/**
 * The layer × step heatmap, one canvas at the screen's own pixels. Redrawn whole: at most
 * once a frame, some milliseconds, and without state that could disagree with the data.
 * Where the columns are coarser than pixels it draws what is finer, and asks for it.
 */
export function HeatmapCanvas({
  geometry,
  columns,
  version,
  colourTable,
  theme,
  label,
}: {
  readonly geometry: PlotGeometry;
  readonly columns: HeatmapCells;
  /** Of the data: the columns grow in place. */
  readonly version: number;
  readonly colourTable: Uint32Array;
  readonly theme: Theme;
  readonly label: string;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const image = useRef<ImageData | null>(null);
  const { orientation, stepLane, layerLane, layerAxis, devicePixelRatio } = geometry;
  const isRight = orientation === 'steps-right';
  const stepPixels = Math.round(stepLane.size * devicePixelRatio);
  const layerPixels = layerAxis.length;
  const width = isRight ? stepPixels : layerPixels;
  const height = isRight ? layerPixels : stepPixels;

  useEffect(() => {
    const context = canvas.current?.getContext('2d', { alpha: false });
    if (context === null || context === undefined || width === 0 || height === 0) return;
    const colours = CANVAS_COLOURS[theme];
    const plot = {
      axis: geometry.axis,
      stepPixels,
      layerPixels,
      bands: geometry.layerAxis.bands,
      layerOfRow: geometry.layerOfRow,
      orientation,
    };
    // Kept: a picture of ten megabytes a frame would have the page collecting memory.
    if (image.current?.width !== width || image.current.height !== height) {
      image.current = context.createImageData(width, height);
    }
    const pieces = columns.finer?.pieces(geometry.axis, stepPixels) ?? wholeAxis(columns);
    rasteriseHeatmap(
      pieces,
      plot,
      {
        table: colourTable,
        background: packHex(colours.bg),
        hatch: packHex(colours.line2),
        hatchPeriod: Math.round(HATCH_PERIOD_PX * devicePixelRatio),
      },
      new Uint32Array(image.current.data.buffer),
    );
    context.putImageData(image.current, 0, 0);
    columns.finer?.want(geometry.axis, stepPixels);
    const signs = findSpecialCells(pieces, plot, LEAST_SIGN_PX * devicePixelRatio);
    drawSigns(context, signs, isRight, theme, devicePixelRatio);
  }, [
    geometry,
    columns,
    version,
    colourTable,
    theme,
    width,
    height,
    stepPixels,
    layerPixels,
    orientation,
    isRight,
    devicePixelRatio,
  ]);

  return (
    <canvas
      ref={canvas}
      role="img"
      aria-label={label}
      width={width}
      height={height}
      style={{
        position: 'absolute',
        left: isRight ? stepLane.start : layerLane.start,
        top: isRight ? layerLane.start : stepLane.start,
        width: width / devicePixelRatio,
        height: height / devicePixelRatio,
        imageRendering: 'pixelated',
      }}
    />
  );
}

function drawSigns(
  context: CanvasRenderingContext2D,
  signs: readonly SpecialCell[],
  isRight: boolean,
  theme: Theme,
  devicePixelRatio: number,
): void {
  context.lineWidth = 1.2 * devicePixelRatio;
  for (const { kind, stepPixel, layerPixel, size } of signs) {
    const x = isRight ? stepPixel : layerPixel;
    const y = isRight ? layerPixel : stepPixel;
    const reach = Math.min(4 * devicePixelRatio, size / 4);
    context.beginPath();
    if (kind === 'non_finite') {
      context.strokeStyle = theme === 'dark' ? '#000000' : '#ffffff';
      context.moveTo(x - reach, y - reach);
      context.lineTo(x + reach, y + reach);
      context.moveTo(x + reach, y - reach);
      context.lineTo(x - reach, y + reach);
    } else {
      context.strokeStyle = theme === 'dark' ? '#8fb4dc' : '#2b6a94';
      context.arc(x, y, reach * 0.8, 0, 2 * Math.PI);
    }
    context.stroke();
  }
}
