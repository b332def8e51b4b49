'use client';

import { useEffect, useRef } from 'react';
import { packHex } from '@/lib/view/colours/colour-ramp';
import { placeMovers } from '@/lib/view/heatmap/mover-marks';
import { rasteriseStageMarks } from '@/lib/view/stages/stage-marks';
import { CANVAS_COLOURS, STAGE_COLOURS } from '@/app/_design/canvas-colours';
import type { Theme } from '@/app/_hooks/use-theme';
import { placeCanvas, type PlotGeometry } from './plot-geometry';
import type { CellMarks } from '../model/use-cell-marks';

/** CSS pixels; a disc keeps within its row while that leaves a shape. */
const MOST_RADIUS = 3;
const LEAST_RADIUS = 1.3;
const HALO = 1;

/** Stages and first movers over the heatmap: drawn beside the values, not in their place. */
export function CellMarksCanvas({
  geometry,
  marks,
  theme,
}: {
  readonly geometry: PlotGeometry;
  readonly marks: CellMarks;
  readonly theme: Theme;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { orientation, layerLane, layerAxis, layerOfRow, axis } = geometry;
  const { devicePixelRatio: ratio } = geometry;
  const isRight = orientation === 'steps-right';
  const place = placeCanvas(geometry, layerLane);
  const { stepPixels, width, height } = place;
  const isEmpty = marks.stages === null && marks.movers.length === 0;

  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (context === null || context === undefined || width === 0 || height === 0) return;
    context.clearRect(0, 0, width, height);
    if (marks.stages !== null) {
      const image = context.createImageData(width, height);
      rasteriseStageMarks(
        marks.stages,
        {
          axis,
          stepPixels,
          layerPixels: layerAxis.length,
          bands: layerAxis.bands,
          layerOfRow,
          orientation,
        },
        STAGE_COLOURS[theme],
        packHex(CANVAS_COLOURS[theme].bg),
        new Uint32Array(image.data.buffer),
      );
      context.putImageData(image, 0, 0);
    }
    const [ink, halo] = theme === 'dark' ? ['#f4f5f6', '#0f1113'] : ['#0f1011', '#fcfbf8'];
    for (const mover of placeMovers(marks.movers, axis, stepPixels, layerAxis, layerOfRow)) {
      const [x, y] = isRight ? [mover.along, mover.across] : [mover.across, mover.along];
      const fitting = mover.rowPixels / 2 - HALO * ratio;
      const size = Math.min(MOST_RADIUS * ratio, Math.max(LEAST_RADIUS * ratio, fitting));
      const disc = (radius: number, colour: string) => {
        context.beginPath();
        context.arc(x, y, radius, 0, 2 * Math.PI);
        context.fillStyle = colour;
        context.fill();
      };
      disc(size + HALO * ratio, halo);
      disc(size, ink);
      if (!mover.isFirst) disc(size / 2, halo);
    }
  }, [
    marks,
    axis,
    layerAxis,
    layerOfRow,
    orientation,
    isRight,
    theme,
    ratio,
    stepPixels,
    width,
    height,
  ]);

  return isEmpty ? null : (
    <canvas
      ref={canvas}
      aria-label="Marks on the cells"
      role="img"
      width={width}
      height={height}
      style={{ ...place.style, pointerEvents: 'none' }}
    />
  );
}
