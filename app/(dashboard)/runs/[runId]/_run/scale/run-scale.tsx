'use client';

import { formatColourRange } from '@/lib/view/colours/colour-range';
import { COLUMN_SHOWS, describeBlue } from '@/lib/view/colours/column-shows';
import type { Theme } from '@/app/_hooks/use-theme';
import { ColourScaleBar } from './colour-scale-bar';
import { DifferenceScaleBar } from './difference-scale-bar';
import { columnsAt } from '../model/plot-readings';
import type { RunSession } from '../data/run-session';
import type { RunPlotModel } from '../model/run-view-model';
import { StageLegend } from './stage-legend';
import { FITTED_COLOURS, type RunViewState, type SetRunView } from '../model/use-run-view-state';
import { WordMenu } from '../plot/word-menu';

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
  const { columns, axis } = model;
  const { shows } = columns;
  const isBucket = columnsAt(columns, (axis.low + axis.high) / 2).widestColumn(axis) > 1;
  return (
    <ColourScaleBar
      key={`${option.key} ${shows}`}
      scale={model.scale}
      motion={model.colours.motion}
      isManual={view.colourRange !== null}
      onRange={(range) => set({ range: formatColourRange(range) })}
      codes={columns.codes}
      shows={shows}
      version={version}
      theme={theme}
      caption={isNarrow ? option.shortLabel : `${option.shortLabel} per layer`}
      levelCaption={describeBlue(model.scale.level?.label ?? '', shows, isBucket)}
      choice={
        <WordMenu
          label="What a column of several steps shows"
          value={shows}
          options={COLUMN_SHOWS.map((value) => ({ value, label: value }))}
          onChange={(next) => set({ column: next === 'highest' ? null : next, ...FITTED_COLOURS })}
        />
      }
      onRefit={() => {
        set({ range: null });
        session.refitScale();
      }}
    />
  );
}
