import { useMemo } from 'react';
import { prepareLayerAxis, type LayerAxis } from '@/lib/view/axes/layer-axis';
import type { RunPlotModel } from '../model/run-view-model';

/** The rows or columns of all layers in the room there is, each of whole pixels of the screen. */
export function useLayerAxis(
  { layerOfRow, groups }: Pick<RunPlotModel, 'layerOfRow' | 'groups'>,
  available: number,
  devicePixelRatio: number,
): LayerAxis {
  const pixels = Math.floor(available * devicePixelRatio);
  return useMemo(
    () => prepareLayerAxis(layerOfRow.length, groups, pixels, devicePixelRatio),
    [layerOfRow.length, groups, pixels, devicePixelRatio],
  );
}
