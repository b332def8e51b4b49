'use client';

import type { LayerViewModel } from '@/lib/view/layer/layer-view-model';
import { formatStep } from '@/lib/view/text/format-number';
import { SegmentedControl } from '@/app/_components/segmented-control';
import { ChartMenu } from '@/app/_components/chart-menu/chart-menu';
import { DistributionHeat } from './distribution-heat';
import type { LayerCharts } from '../model/layer-charts';
import { RidgelinePlot } from './ridgeline-plot';
import { setOverSteps, type OverSteps } from '../model/use-layer-url';
import styles from './over-steps.module.css';

const FORMS: readonly { readonly value: OverSteps; readonly label: string }[] = [
  { value: 'ridgeline', label: 'Ridgeline' },
  { value: 'heatmap', label: 'Heatmap' },
];

/** The distributions over steps, and the slider that walks through them. */
export function OverStepsPanel({
  model,
  form,
  take,
  onSelect,
}: {
  readonly model: LayerViewModel;
  readonly form: OverSteps;
  readonly take: LayerCharts['overSteps'];
  readonly onSelect: (step: number) => void;
}) {
  const { available, chosen } = model;
  const main = chosen.steps[chosen.mainIndex] ?? available[0] ?? 0;
  return (
    <>
      <div className={styles['controls']}>
        <SegmentedControl label="Over steps" options={FORMS} value={form} onChange={setOverSteps} />
        <label className={styles['slider']}>
          <span className={styles['step']}>step {formatStep(main)}</span>
          <input
            type="range"
            aria-label="Step"
            min={0}
            max={Math.max(0, available.length - 1)}
            value={Math.max(0, available.indexOf(main))}
            aria-valuetext={`step ${main}`}
            onChange={({ target }) => {
              const step = available[Number(target.value)];
              if (step !== undefined) onSelect(step);
            }}
          />
        </label>
      </div>
      {model.ridgelines.map(({ kind, symbol, ridgeline, heatmap }) => (
        <div key={kind} className={styles['chart']}>
          <span className={styles['menu']}>
            <ChartMenu
              name={`${symbol} over steps`}
              subject={(button) =>
                take(kind, symbol)(button.closest('div')?.querySelector('figure') ?? null)
              }
            />
          </span>
          {form === 'heatmap' ? (
            <DistributionHeat
              heatmap={heatmap}
              title={`${symbol} over steps`}
              main={main}
              others={chosen.steps.filter((step) => step !== main)}
              onSelect={onSelect}
            />
          ) : (
            <RidgelinePlot
              ridgeline={ridgeline}
              title={`${symbol} over steps`}
              onSelect={onSelect}
            />
          )}
        </div>
      ))}
    </>
  );
}
