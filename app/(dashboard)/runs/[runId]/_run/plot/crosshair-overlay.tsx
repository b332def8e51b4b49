'use client';

import { useSyncExternalStore } from 'react';
import { formatStep } from '@/lib/view/text/format-number';
import { pixelOfStep, positionOnAxis } from '@/lib/view/axes/step-axis';
import { shareOnAxis } from '@/lib/view/timelines/timeline-chart';
import { formatClockTime, readersZone } from '@/lib/view/text/wall-time';
import { lossOf } from '../model/plot-readings';
import type { RunPlotModel } from '../model/run-view-model';
import { cellOf, type Lane, type PlotGeometry } from './plot-geometry';
import styles from './plot.module.css';

/** The box is never smaller than this, or a cell of a hundred thousand steps had none. */
const LEAST_BOX_PX = 11;
const readOnServer = () => null;

/**
 * One crosshair over timelines, strip and heatmap: ink with a halo of background, open
 * around the boxed cell, a chip on either axis.
 */
export function CrosshairOverlay({
  model,
  geometry,
  lossLane,
  width,
  height,
  stepChip,
  layerChip,
}: {
  readonly model: RunPlotModel;
  readonly geometry: PlotGeometry;
  /** Where the curve of the loss lies across the steps; a dot stands on it. */
  readonly lossLane: Lane;
  readonly width: number;
  readonly height: number;
  /** Position of the chips across their axis. */
  readonly stepChip: number;
  /** null where the read-out alone names the layer. */
  readonly layerChip: number | null;
}) {
  const { crosshair: store, layerNames } = model;
  const crosshair = useSyncExternalStore(store.subscribe, store.get, readOnServer);
  if (crosshair === null) return null;
  const { step, layer } = crosshair;
  const { axis, orientation, stepLane, layerLane, crossLane } = geometry;
  if (step < axis.low || step > axis.high) return null;
  const cell = cellOf(geometry, step, layer);
  const stepMiddle = cell?.stepMiddle ?? stepLane.start + pixelOfStep(axis, stepLane.size, step);
  const boxSteps = Math.max(LEAST_BOX_PX, (cell?.stepSize ?? 0) + 2) / 2;
  const boxLayers = Math.max(LEAST_BOX_PX, (cell?.layerSize ?? 0) + 2) / 2;
  const isRight = orientation === 'steps-right';
  const crossEnd = crossLane.start + crossLane.size;

  // Written for steps to the right; the other layout swaps x and y.
  const line = (a1: number, b1: number, a2: number, b2: number) =>
    isRight ? `M${a1} ${b1}L${a2} ${b2}` : `M${b1} ${a1}L${b2} ${a2}`;
  const at = Math.round(stepMiddle) + 0.5;
  const row = cell === null ? null : Math.round(cell.layerMiddle - 0.5) + 0.5;
  const lines =
    row === null
      ? line(at, crossLane.start, at, crossEnd)
      : line(at, crossLane.start, at, row - boxLayers) +
        line(at, row + boxLayers, at, crossEnd) +
        line(stepLane.start - 4, row, at - boxSteps, row) +
        line(at + boxSteps, row, stepLane.start + stepLane.size, row);
  const box =
    row === null
      ? null
      : isRight
        ? { x: at - boxSteps, y: row - boxLayers, width: 2 * boxSteps, height: 2 * boxLayers }
        : { x: row - boxLayers, y: at - boxSteps, width: 2 * boxLayers, height: 2 * boxSteps };
  const loss = lossOf(model, step);
  const lossShare = loss === null ? null : shareOnAxis(model.loss, loss);
  // More loss is farther up, or farther right.
  const lossMiddle =
    lossShare === null
      ? null
      : lossLane.start + lossLane.size * (isRight ? 1 - lossShare : lossShare);
  const name = layerNames[layer] ?? '';

  return (
    <>
      <svg data-no-picture className={styles['overlay']} width={width} height={height} aria-hidden>
        <path d={lines} stroke="var(--bg)" strokeWidth={3} strokeOpacity={0.55} fill="none" />
        <path d={lines} stroke="var(--ink)" strokeWidth={1} fill="none" />
        {box === null ? null : (
          <>
            <rect {...box} fill="none" stroke="var(--bg)" strokeWidth={4} />
            <rect {...box} fill="none" stroke="var(--ink)" strokeWidth={1.6} />
          </>
        )}
        {lossMiddle === null ? null : (
          <circle
            cx={isRight ? stepMiddle : lossMiddle}
            cy={isRight ? lossMiddle : stepMiddle}
            r={3.2}
            fill="var(--bg)"
            stroke="var(--ink)"
            strokeWidth={1.6}
          />
        )}
      </svg>
      <span
        className={styles['chip']}
        data-no-picture
        aria-hidden
        style={
          isRight
            ? { left: at, top: stepChip, transform: 'translate(-50%, -50%)' }
            : { top: at, left: stepChip, transform: 'translate(-100%, -50%)' }
        }
      >
        {axis.clock === undefined
          ? formatStep(step)
          : formatClockTime(positionOnAxis(axis, step), readersZone)}
      </span>
      {row === null || layerChip === null ? null : (
        <span
          className={styles['chip']}
          data-no-picture
          aria-hidden
          style={
            isRight
              ? { top: row, left: layerChip, transform: 'translate(-100%, -50%)' }
              : {
                  left: Math.min(
                    Math.max(row, layerLane.start + 40),
                    layerLane.start + layerLane.size - 40,
                  ),
                  top: layerChip,
                  transform: 'translate(-50%, -50%)',
                }
          }
        >
          {name}
        </span>
      )}
    </>
  );
}
