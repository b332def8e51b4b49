'use client';

import { useMemo, useState } from 'react';
import { applyColourRange, type ColourRange } from '@/lib/view/colours/colour-range';
import type { ColourScale } from '@/lib/view/colours/colour-scale';
import { turnByCode, type ColumnShows } from '@/lib/view/colours/column-shows';
import { bakeColourTable } from '@/lib/view/colours/colour-table';
import { bakeDifferenceTable, type DifferenceScale } from '@/lib/view/comparison/difference-scale';
import { CODE_COUNT } from '@/lib/view/colours/magnitude-code';
import { bakeStageTable } from '@/lib/view/stages/stage-colours';
import { CANVAS_COLOURS, STAGE_COLOURS } from '@/app/_design/canvas-colours';
import type { Theme } from '@/app/_hooks/use-theme';
import { ColourMotion, type CellColours } from './colour-motion';

/** The colours of what the heatmap shows: values, stages, or a difference. */
export function useCellColours({
  isStage,
  shows,
  scale,
  differenceScale,
  theme,
}: {
  readonly isStage: boolean;
  /** How the codes of the cells are ordered. */
  readonly shows: ColumnShows;
  readonly scale: ColourScale;
  /** null while the heatmap shows its own values. */
  readonly differenceScale: DifferenceScale | null;
  readonly theme: Theme;
}): CellColours {
  const [motion] = useState(() => new ColourMotion());
  return useMemo(() => {
    const { divergence } = CANVAS_COLOURS[theme];
    if (isStage && differenceScale === null) {
      const table = bakeStageTable(STAGE_COLOURS[theme]);
      return { table, tableOf: () => table, motion };
    }
    // A table a frame would have the page collecting memory.
    const moving = new Uint32Array(CODE_COUNT);
    return differenceScale === null
      ? {
          table: turnByCode(bakeColourTable(scale, theme, divergence), shows),
          tableOf: (range: ColourRange) =>
            turnByCode(
              bakeColourTable(applyColourRange(scale, range), theme, divergence, moving),
              shows,
            ),
          motion,
        }
      : {
          table: bakeDifferenceTable(differenceScale, theme, divergence),
          tableOf: ({ high }: ColourRange) =>
            bakeDifferenceTable({ ...differenceScale, reach: high }, theme, divergence, moving),
          motion,
        };
  }, [isStage, shows, scale, differenceScale, theme, motion]);
}
