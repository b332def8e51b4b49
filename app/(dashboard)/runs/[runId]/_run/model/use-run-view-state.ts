'use client';

import { useMemo, useState, useSyncExternalStore } from 'react';
import { COLUMN_SHOWS, type ColumnShows } from '@/lib/view/colours/column-shows';
import { parseColourRange, type ColourRange } from '@/lib/view/colours/colour-range';
import { parseAgainst, type Against } from '@/lib/view/comparison/comparison';
import { parseReach } from '@/lib/view/comparison/difference-scale';
import { LAYER_ORDERS, type LayerOrder } from '@/lib/view/axes/select-layers';
import { parseSmoothing, type Smoothing } from '@/lib/view/timelines/smooth-series';
import { parseStepWindow, type StepWindow } from '@/lib/view/axes/step-axis';
import type { TimelineScale } from '@/lib/view/timelines/timeline-chart';
import { patchUrl } from '@/app/_hooks/url-store';
import { useUrlState } from '@/app/_hooks/use-url-state';
import type { Layout } from '../bars/run-toolbar';
import { StepWindowStore } from './step-window-store';
import { CELL_MARKS, type CellMark } from './use-cell-marks';

export type Tab = 'run' | 'layers' | 'spikes' | 'events';
const TABS: readonly Tab[] = ['run', 'layers', 'spikes', 'events'];

export interface RunViewState {
  readonly metricKey: string | null;
  readonly layout: Layout;
  readonly order: LayerOrder;
  readonly filter: string;
  /** Labels of the layer groups that are closed. */
  readonly collapsed: readonly string[];
  /** What a column of several steps shows of them. */
  readonly shows: ColumnShows;
  /** null: as it fits the values. */
  readonly colourRange: ColourRange | null;
  /** How far the colours of a difference reach; null: as it fits. */
  readonly reach: number | null;
  readonly lossScale: TimelineScale;
  readonly isPerplexity: boolean;
  readonly smoothing: Smoothing;
  /** The scalar under the loss; null for the first there is. */
  readonly scalar: string | null;
  readonly scalarScale: TimelineScale;
  readonly window: StepWindow | null;
  /** What the heatmap is held against; null shows its own values. */
  readonly against: Against | null;
  readonly marks: readonly CellMark[];
  /** Along the axis stands the wall time of the steps instead of their numbers. */
  readonly isWallTime: boolean;
  readonly tab: Tab;
}

/** Sets parameters of the URL, or takes them out with null. */
export type SetRunView = typeof patchUrl;

/** Another metric, or the other end of its columns, is fitted anew: ends set by hand were those of the one before. */
export const FITTED_COLOURS = { range: null, reach: null } as const;

const SCALES: readonly TimelineScale[] = ['log', 'linear', 'symlog'];
const scaleOf = (text: string | null): TimelineScale =>
  SCALES.find((scale) => scale === text) ?? 'log';

const readOnServer = () => null;

/** All state of the view, from the URL; a window in motion is ahead of it until it rests. */
export function useRunViewState(): {
  readonly state: RunViewState;
  readonly setWindow: (window: StepWindow | null) => void;
  readonly undoWindow: () => boolean;
  readonly set: SetRunView;
} {
  const [url] = useUrlState();
  const [store] = useState(() => new StepWindowStore());
  const moving = useSyncExternalStore(store.subscribe, store.getMoving, readOnServer);
  const steps = url.get('steps');
  const [parsed, setParsed] = useState<{ text: string | null; window: StepWindow | null }>({
    text: null,
    window: null,
  });
  // The window keeps its identity while the URL's text does: charts are prepared by it.
  if (parsed.text !== steps) setParsed({ text: steps, window: parseStepWindow(steps) });
  // Objects among the choices keep their identity as well.
  const chosen = useMemo(
    () => ({
      collapsed: url.get('closed')?.split(',') ?? [],
      against: parseAgainst(url.get('against')),
      marks: CELL_MARKS.filter((mark) => url.get('marks')?.split(',').includes(mark) === true),
      colourRange: parseColourRange(url.get('range')),
      reach: parseReach(url.get('reach')),
      lossScale: scaleOf(url.get('loss')),
      isPerplexity: url.get('unit') === 'perplexity',
      smoothing: parseSmoothing(url.get('smooth')),
      scalar: url.get('scalar'),
      scalarScale: scaleOf(url.get('scale')),
    }),
    [url],
  );
  const tab = TABS.find((known) => known === url.get('tab')) ?? 'run';
  return {
    state: {
      metricKey: url.get('metric'),
      layout: url.get('layout') === 'paper' ? 'paper' : 'steps-right',
      shows: COLUMN_SHOWS.find((shows) => shows === url.get('column')) ?? 'highest',
      order: LAYER_ORDERS.find((order) => order === url.get('order')) ?? 'model',
      filter: url.get('filter') ?? '',
      ...chosen,
      window: moving === null ? parsed.window : moving.window,
      isWallTime: url.get('axis') === 'time',
      tab,
    },
    setWindow: store.set,
    undoWindow: store.undo,
    set: patchUrl,
  };
}
