'use client';

import { useEffect, useState } from 'react';
import { patchUrl } from '@/app/_hooks/url-store';
import { CrosshairStore, type Crosshair } from './crosshair-store';

/** The URL is told where the crosshair rests, not where it passes. */
const CROSSHAIR_TO_URL_MS = 250;

/** The crosshair of this page; where it is pinned, the URL says so. */
export function useCrosshair(layerCount: number): CrosshairStore {
  const [store] = useState(() => new CrosshairStore(null));
  useEffect(() => {
    if (store.get() === null) store.set(crosshairFromUrl(layerCount));
    let timer: ReturnType<typeof setTimeout> | null = null;
    const unsubscribe = store.subscribe(() => {
      if (timer !== null) clearTimeout(timer);
      timer = setTimeout(() => {
        const at = store.get();
        const isKept = at?.isPinned === true;
        patchUrl({
          step: isKept ? String(at.step) : null,
          layer: isKept ? String(at.layer) : null,
        });
      }, CROSSHAIR_TO_URL_MS);
    });
    return () => {
      unsubscribe();
      if (timer !== null) clearTimeout(timer);
    };
  }, [store, layerCount]);
  return store;
}

/** The crosshair that a link names: pinned, for it was chosen. A step without a layer is the first one's. */
function crosshairFromUrl(layerCount: number): Crosshair | null {
  const parameters = new URLSearchParams(window.location.search);
  const [step, layer] = [parameters.get('step'), parameters.get('layer') ?? '0'];
  if (step === null || !/^\d+$/.test(step) || !/^\d+$/.test(layer)) return null;
  return Number(layer) < layerCount
    ? { step: Number(step), layer: Number(layer), isPinned: true }
    : null;
}
