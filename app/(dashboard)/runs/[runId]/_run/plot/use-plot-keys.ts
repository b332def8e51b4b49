'use client';

import { useEffect, useEffectEvent, useRef } from 'react';
import { useRouter } from 'next/navigation';
import { usePageActions } from '@/app/_hooks/page-actions';
import { useKeyboard } from '@/app/_hooks/use-keyboard';
import type { ColumnShows } from '@/lib/view/colours/column-shows';
import { zoomWindow } from '@/lib/view/axes/step-axis';
import { nearestStepOf, stepBeside } from '../model/plot-readings';
import type { Layout } from '../bars/run-toolbar';
import type { Crosshair } from '../model/crosshair-store';
import type { RunPlotModel } from '../model/run-view-model';

const ZOOM_FACTOR = 0.6;
const FAST_STEPS = 10;

/** Buttons, links and menus use arrows and Enter themselves. */
function isForControl(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    target.closest('a, button, select, input, dialog, summary') !== null
  );
}

/** The keys of the run page, and their list for the drawer of shortcuts. */
export function usePlotKeys({
  runId,
  model,
  layout,
  onLayout,
  onUndo,
  onShows,
}: {
  readonly runId: string;
  readonly model: RunPlotModel;
  readonly layout: Layout;
  readonly onLayout: (layout: Layout) => void;
  /** Takes the last zoom back. */
  readonly onUndo: () => boolean;
  readonly onShows: (shows: ColumnShows) => void;
}): void {
  const router = useRouter();
  const { columns, crosshair, layerOfRow, axis } = model;
  const otherEnd = columns.shows === 'highest' ? 'lowest' : 'highest';

  const start = (): Crosshair | null => {
    const at = crosshair.get();
    if (at !== null) return at;
    if (columns.columnCount === 0) return null;
    const step = nearestStepOf(model)(Math.floor(Math.min(model.newestStep, axis.high)));
    // Without layers the timelines can still be read.
    return { step, layer: layerOfRow[0] ?? 0, isPinned: false };
  };
  /** Presses from `step` on that wait for finer columns. */
  const held = useRef({ step: NaN, count: 0 });
  const goBeside = (at: Crosshair, by: number) => {
    const waiting = held.current.step === at.step ? held.current.count : 0;
    const { step, left } = stepBeside(columns, at.step, waiting + by);
    held.current = { step, count: left };
    crosshair.set({ ...at, step, isPinned: true });
  };
  const goOn = useEffectEvent(() => {
    const at = crosshair.get();
    if (at !== null && at.step === held.current.step && held.current.count !== 0) goBeside(at, 0);
  });
  useEffect(() => goOn(), [columns, model.version]);

  const moveSteps = (event: KeyboardEvent, by: number) => {
    const at = start();
    if (at === null || isForControl(event.target)) return;
    event.preventDefault();
    goBeside(at, by * (event.shiftKey ? FAST_STEPS : 1));
  };
  const moveLayers = (event: KeyboardEvent, by: number) => {
    const at = start();
    if (at === null || isForControl(event.target)) return;
    event.preventDefault();
    const row = layerOfRow.indexOf(at.layer);
    const next = layerOfRow[Math.min(layerOfRow.length - 1, Math.max(0, row + by))];
    if (next !== undefined) crosshair.set({ ...at, layer: next, isPinned: true });
  };
  const jump = (event: KeyboardEvent, step: number | null) => {
    const at = start();
    if (at === null || isForControl(event.target)) return;
    event.preventDefault();
    crosshair.set({ ...at, step: step ?? at.step, isPinned: true });
  };
  const zoom = (factor: number) => {
    const at = crosshair.get()?.step ?? (axis.low + axis.high) / 2;
    model.onWindow(zoomWindow(axis, at, factor, model.firstStep, model.newestStep));
  };
  const isRight = layout === 'steps-right';
  const openLayer = () => {
    const at = crosshair.get();
    if (at === null || !layerOfRow.includes(at.layer)) return;
    router.push(`/runs/${encodeURIComponent(runId)}/layers/${at.layer}?step=${at.step}`);
  };
  const pin = () => {
    const at = crosshair.get();
    if (at !== null) crosshair.set({ ...at, isPinned: !at.isPinned });
  };
  const reset = () => {
    model.onWindow(null);
    const at = crosshair.get();
    if (at !== null) crosshair.set({ ...at, isPinned: false });
  };
  const changeLayout = () => onLayout(isRight ? 'paper' : 'steps-right');

  useKeyboard({
    ArrowLeft: (event) => (isRight ? moveSteps(event, -1) : moveLayers(event, -1)),
    ArrowRight: (event) => (isRight ? moveSteps(event, 1) : moveLayers(event, 1)),
    ArrowUp: (event) => (isRight ? moveLayers(event, -1) : moveSteps(event, -1)),
    ArrowDown: (event) => (isRight ? moveLayers(event, 1) : moveSteps(event, 1)),
    Home: (event) => jump(event, columns.firstStep),
    End: (event) => jump(event, columns.newestStep),
    Enter: (event) => {
      if (!isForControl(event.target)) openLayer();
    },
    p: pin,
    '+': () => zoom(ZOOM_FACTOR),
    '=': () => zoom(ZOOM_FACTOR),
    '-': () => zoom(1 / ZOOM_FACTOR),
    Escape: reset,
    'Ctrl+z': (event) => {
      // In a field it takes back what was typed.
      if (isForControl(event.target)) return;
      if (onUndo()) event.preventDefault();
    },
    l: changeLayout,
    v: () => onShows(otherEnd),
  });
  usePageActions('This run', [
    {
      label: 'Previous, next reported step; with Shift ten',
      keys: isRight ? ['←', '→'] : ['↑', '↓'],
    },
    { label: 'Previous, next layer', keys: isRight ? ['↑', '↓'] : ['←', '→'] },
    { label: 'First, newest step', keys: ['Home', 'End'] },
    { label: 'Open the layer at this step', keys: ['Enter'], run: openLayer },
    { label: 'Pin the crosshair, or let it go', keys: ['P'], run: pin },
    { label: 'Zoom in', keys: ['+'], run: () => zoom(ZOOM_FACTOR) },
    { label: 'Zoom out', keys: ['−'], run: () => zoom(1 / ZOOM_FACTOR) },
    { label: 'Zoom to a range', keys: ['Drag'] },
    { label: 'Zoom around the pointer; with Shift move', keys: ['Wheel'] },
    { label: 'Back to the whole run', keys: ['Esc'], run: reset },
    { label: 'Take the last zoom back', keys: ['Ctrl', 'Z'], run: onUndo },
    { label: 'Change the layout', keys: ['L'], run: changeLayout },
    {
      label: `Show the ${otherEnd} value of every column`,
      keys: ['V'],
      run: () => onShows(otherEnd),
    },
  ]);
}
