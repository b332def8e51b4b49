'use client';

import { formatColourRange } from '@/lib/view/colour-range';
import type { Theme } from '@/app/_hooks/use-theme';
import { ColourScaleBar } from './colour-scale-bar';
import { DifferenceScaleBar } from './difference-scale-bar';
import type { RunSession } from './run-session';
import type { RunPlotModel } from './run-view-model';
import { StageLegend } from './stage-legend';
import type { RunViewState, SetRunView } from './use-run-view-state';

/** What the colours of the cells stand for. */
export function RunScale({
  model,
  session,
  view,
  set,
  version,
  theme,
  isNarrow,
}: {
  readonly model: RunPlotModel;
  readonly session: RunSession;
  readonly view: RunViewState;
  readonly set: SetRunView;
  /** Of the cells, a few times a second. */
  readonly version: number;
  readonly theme: Theme;
  readonly isNarrow: boolean;
}) {
  const { option, comparison } = model;
  if (option === null) return null;
  if (comparison !== null) {
    return (
      <DifferenceScaleBar
        key={option.key}
        comparison={comparison}
        motion={model.colours.motion}
        caption={option.shortLabel}
        theme={theme}
        onReach={(reach) => set({ reach: reach === null ? null : String(reach) })}
      />
    );
  }
  if (option.scale === 'categorical') return <StageLegend />;
  return (
    <ColourScaleBar
      key={option.key}
      scale={model.scale}
      motion={model.colours.motion}
      isManual={view.colourRange !== null}
      onRange={(range) => set({ range: formatColourRange(range) })}
      codes={model.columns.codes}
      version={version}
      theme={theme}
      caption={isNarrow ? option.shortLabel : `${option.shortLabel} per layer`}
      onRefit={() => {
        set({ range: null });
        session.refitScale();
      }}
    />
  );
}
