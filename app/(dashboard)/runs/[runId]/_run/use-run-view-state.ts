'use client';

import { useState, useSyncExternalStore } from 'react';
import type { LayerOrder } from '@/lib/view/select-layers';
import { parseStepWindow, type StepWindow } from '@/lib/view/step-axis';
import { patchUrl } from '@/app/_hooks/url-store';
import { useUrlState } from '@/app/_hooks/use-url-state';
import type { Layout } from './run-toolbar';
import { StepWindowStore } from './step-window-store';

export type Tab = 'run' | 'layers' | 'spikes' | 'events';
const TABS: readonly Tab[] = ['run', 'layers', 'spikes', 'events'];

export interface RunViewState {
  readonly metricKey: string | null;
  readonly layout: Layout;
  readonly order: LayerOrder;
  readonly filter: string;
  readonly lossScale: 'log' | 'linear';
  readonly window: StepWindow | null;
  readonly tab: Tab;
}

const readOnServer = () => null;

/** All state of the view, from the URL; a window in motion is ahead of it until it rests. */
export function useRunViewState(): {
  readonly state: RunViewState;
  readonly setWindow: (window: StepWindow | null) => void;
  readonly set: typeof patchUrl;
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
  const tab = TABS.find((known) => known === url.get('tab')) ?? 'run';
  return {
    state: {
      metricKey: url.get('metric'),
      layout: url.get('layout') === 'paper' ? 'paper' : 'steps-right',
      order: url.get('order') === 'name' ? 'name' : 'model',
      filter: url.get('filter') ?? '',
      lossScale: url.get('loss') === 'linear' ? 'linear' : 'log',
      window: moving === null ? parsed.window : moving.window,
      tab,
    },
    setWindow: store.set,
    set: patchUrl,
  };
}

/** The crosshair that a link names: pinned, for it was chosen. */
export function crosshairFromUrl(
  layerCount: number,
): { readonly step: number; readonly layer: number; readonly isPinned: boolean } | null {
  const parameters = new URLSearchParams(window.location.search);
  const [step, layer] = [parameters.get('step'), parameters.get('layer')];
  if (step === null || layer === null || !/^\d+$/.test(step) || !/^\d+$/.test(layer)) return null;
  return Number(layer) < layerCount
    ? { step: Number(step), layer: Number(layer), isPinned: true }
    : null;
}
