'use client';

import { ChartMenu } from '@/app/_components/chart-menu/chart-menu';
import type { PictureBand } from '@/app/_components/chart-menu/chart-subject';
import { nameOf, readChartSubject, type RunChart } from '../model/chart-subjects';
import type { RunPlotModel } from '../model/run-view-model';
import styles from './plot.module.css';

/** Its button is a square. */
export const MENU_SIZE_PX = 24;

/** A part of the plot, in CSS pixels from its upper left corner. */
export type PlotPart = Omit<PictureBand, 'root'>;

/** Where a chart's menu stands, and what its picture holds. */
export interface PlotMenu {
  readonly chart: RunChart;
  readonly parts: readonly PlotPart[];
  readonly left: number;
  readonly top: number;
}

/** The colour scale or the letters of the stages, wherever they stand. */
const LEGEND = '[data-legend]';

/** The menu of one of the plot's charts; its picture is made of parts of the plot. */
export function RunChartMenu({
  chart,
  model,
  parts,
  left,
  top,
}: PlotMenu & { readonly model: RunPlotModel }) {
  return (
    <span className={styles['menu']} style={{ left, top }}>
      <ChartMenu
        name={nameOf(chart, model)}
        subject={(button) => {
          const root = button.closest<HTMLElement>('[data-plot], [data-overview]');
          if (root === null || model.columns.columnCount === 0) return null;
          const legend = chart === 'heatmap' ? document.querySelector<HTMLElement>(LEGEND) : null;
          return readChartSubject(chart, model, [
            ...parts.map((part) => ({ root, ...part })),
            ...(legend === null ? [] : [{ root: legend }]),
          ]);
        }}
      />
    </span>
  );
}
