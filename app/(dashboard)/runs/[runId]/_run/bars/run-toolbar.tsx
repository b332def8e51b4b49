'use client';

import { useState } from 'react';
import type { Run } from '@/lib/contract/runs';
import { formatStep, formatSteps } from '@/lib/view/text/format-number';
import type { MetricOption } from '@/lib/view/heatmap/metric-options';
import type { StepWindow } from '@/lib/view/axes/step-axis';
import { describeGoneValues } from '@/lib/view/runs/gone-words';
import { Button } from '@/app/_components/button';
import { SegmentedControl } from '@/app/_components/segmented-control';
import { SelectMenu } from '@/app/_components/select-menu';
import { TextField } from '@/app/_components/text-field';
import { Icon } from '@/app/_design/icons';
import { useRunGaps } from '@/app/_hooks/use-run-gaps';
import { CompareMenu } from './compare-menu';
import { MarksMenu } from './marks-menu';
import { FITTED_COLOURS, type RunViewState, type SetRunView } from '../model/use-run-view-state';
import styles from '../run-screen.module.css';

export type Layout = 'steps-right' | 'paper';

/** Choices over the plot; each is a parameter of the URL. */
export function RunToolbar({
  options,
  option,
  run,
  view,
  set,
  filterError,
  layout,
  onLayout,
  shownWindow,
  newerSteps,
  isRunning,
  onWindow,
}: {
  readonly options: readonly MetricOption[];
  readonly option: MetricOption | null;
  readonly run: Run;
  readonly view: RunViewState;
  readonly set: SetRunView;
  readonly filterError: string | null;
  readonly layout: Layout;
  readonly onLayout: (layout: Layout) => void;
  /** The steps on the screen; null before the first frame. */
  readonly shownWindow: StepWindow | null;
  readonly newerSteps: number;
  readonly isRunning: boolean;
  readonly onWindow: (window: StepWindow | null) => void;
}) {
  const gaps = useRunGaps(run);
  // Of a whole run columns are of many steps anyway.
  const gone = view.window === null ? null : describeGoneValues(gaps, view.window);
  const [draft, setDraft] = useState<string | null>(null);
  const newer =
    newerSteps > 0
      ? `${formatStep(newerSteps)} newer ${newerSteps === 1 ? 'step' : 'steps'}`
      : null;
  return (
    <>
      {option === null ? null : (
        <SelectMenu
          label="Metric"
          value={option.key}
          onChange={(key) => set({ metric: key, ...FITTED_COLOURS })}
          options={options.map(({ key, label, isCustom }) => ({
            value: key,
            label,
            ...(isCustom ? { group: 'Custom' } : {}),
          }))}
        />
      )}
      {option === null ? null : (
        <>
          <SelectMenu
            label="Layer order"
            value={view.order}
            onChange={(order) => set({ order: order === 'model' ? null : order })}
            options={[
              { value: 'model', label: 'Model order' },
              { value: 'type', label: 'By type' },
              { value: 'first_mover', label: 'First mover' },
              { value: 'name', label: 'By name' },
            ]}
          />
          <CompareMenu
            run={run}
            against={view.against}
            onAgainst={(text) => set({ against: text, reach: null })}
          />
          <MarksMenu marks={view.marks} set={set} />
          <TextField
            label="Filter layers by text or /regex/"
            placeholder="Filter layers"
            quiet
            className={styles['filter']}
            error={filterError}
            value={draft ?? view.filter}
            onChange={(event) => {
              setDraft(event.target.value);
              set({ filter: event.target.value.length === 0 ? null : event.target.value });
            }}
            onBlur={() => setDraft(null)}
          />
          <span className={styles['layout']}>
            <SegmentedControl
              label="Layout"
              value={layout}
              onChange={onLayout}
              options={[
                {
                  value: 'steps-right',
                  label: 'Steps',
                  icon: 'arrowRight',
                  title: 'Steps to the right',
                },
                {
                  value: 'paper',
                  label: 'Paper: steps',
                  icon: 'arrowDown',
                  title: 'As in the paper: layers side by side, steps downwards (L)',
                },
              ]}
            />
          </span>
        </>
      )}
      {shownWindow === null ? null : (
        <span className={styles['window']}>
          {formatSteps(shownWindow.fromStep, shownWindow.toStep)}
          {view.window !== null && !isRunning ? (
            <Button
              variant="link"
              aria-label="Show the whole run"
              title="Show the whole run (Esc)"
              onClick={() => onWindow(null)}
            >
              <Icon name="close" size={10} />
            </Button>
          ) : null}
        </span>
      )}
      {gone === null ? null : (
        <span className={styles['newer']} title={gone}>
          single steps gone<span className="visually-hidden">. {gone}</span>
        </span>
      )}
      {!isRunning || shownWindow === null ? null : view.window === null ? (
        <Button
          aria-pressed="true"
          title="Hold the view as it is"
          onClick={() => onWindow(shownWindow)}
        >
          Following live
        </Button>
      ) : (
        <>
          <Button
            variant="primary"
            title={`Back to live (Esc)${newer === null ? '' : `: ${newer}`}`}
            onClick={() => onWindow(null)}
          >
            Back to live
          </Button>
          {newer === null ? null : <span className={styles['newer']}>{newer}</span>}
        </>
      )}
    </>
  );
}
