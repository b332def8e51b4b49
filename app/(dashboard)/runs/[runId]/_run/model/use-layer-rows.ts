'use client';

import { useMemo } from 'react';
import type { Spike } from '@/lib/contract/reads';
import type { Run } from '@/lib/contract/runs';
import {
  collapseGroups,
  groupByLabel,
  groupLayers,
  type LayerGroup,
} from '@/lib/view/axes/layer-groups';
import { shortLayerNames } from '@/lib/view/axes/layer-names';
import { layerTypes } from '@/lib/view/axes/layer-types';
import { selectLayers } from '@/lib/view/axes/select-layers';
import { firstMoverSteps } from '@/lib/view/spikes/spike-movers';
import type { RunViewState } from './use-run-view-state';

const NO_MOVERS: ReadonlyMap<number, number> = new Map();

export interface LayerRows {
  /** [L] as short as they are told apart. */
  readonly names: readonly string[];
  /** Row → layer index: filtered and ordered. */
  readonly layerOfRow: readonly number[];
  readonly groups: readonly LayerGroup[];
  /** What is wrong with the filter; null while it can be read. */
  readonly filterError: string | null;
}

/** Which layers are rows of the heatmap, in which order and in which groups. */
export function useLayerRows(
  run: Run,
  spikes: readonly Spike[],
  { window, order, filter, collapsed }: RunViewState,
): LayerRows {
  const names = useMemo(() => shortLayerNames(run.layers.map(({ name }) => name)), [run.layers]);
  const types = useMemo(() => layerTypes(run.layers, names), [run.layers, names]);
  const moverSteps = useMemo(
    () => (order === 'first_mover' ? firstMoverSteps(spikes, window) : NO_MOVERS),
    [spikes, window, order],
  );
  const { indices, error } = useMemo(
    () => selectLayers(names, filter, order, { types, moverSteps }),
    [names, filter, order, types, moverSteps],
  );
  const groups = useMemo(() => {
    const found =
      order === 'model'
        ? groupLayers(indices.map((i) => names[i] ?? ''))
        : order === 'type'
          ? groupByLabel(indices.map((i) => types[i] ?? ''))
          : [];
    return collapseGroups(found, collapsed);
  }, [indices, names, types, order, collapsed]);
  return { names, layerOfRow: indices, groups, filterError: error };
}
