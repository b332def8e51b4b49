import type { ChartTable } from '@/lib/view/text/chart-table';

/** A part of the page that goes into a chart's picture, cut out of `root`. */
export interface PictureBand {
  readonly root: HTMLElement;
  /** CSS pixels from the root's upper left corner; all of it where they are left out. */
  readonly left?: number;
  readonly top?: number;
  readonly width?: number;
  readonly height?: number;
}

/** What a chart shows, asked for only when somebody takes it along. */
export interface ChartSubject {
  /** Heads the picture and the table: "Loss of run B, steps 1–600". */
  readonly heading: string;
  /** Without its ending; made of letters, digits, dots and dashes. */
  readonly fileName: string;
  readonly table: ChartTable;
  /** The reads that gave the data, as paths of the API. */
  readonly paths: readonly string[];
  /** Below each other: the plot, its axis, its legend. */
  readonly bands: readonly PictureBand[];
}

/** A name that every file system takes: "B_spike loss 1–600" becomes "B_spike-loss-1-600". */
export function fileNameOf(...parts: readonly string[]): string {
  return parts
    .join('-')
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^A-Za-z0-9._]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
}
