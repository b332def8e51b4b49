import { describe, expect, it } from 'vitest';
import { lossFigures, newestScalar, stepsPerSecond } from '@/lib/view/runs/run-figures';
import { RunColumns } from '@/lib/view/heatmap/run-columns';
import { TimelineSeries } from '@/lib/view/timelines/timeline-series';
import { heatmapColumns } from '../heatmap/columns-builder';

const bucket = (step: number, value: number | null) => ({
  fromStep: step,
  toStep: step,
  min: value,
  max: value,
  mean: value,
  nonFiniteCount: value === null ? 1 : 0,
});

describe('figures of a run', () => {
  it('take the speed from the job’s clock over the last 64 steps', () => {
    const columns = new RunColumns(1);
    columns.append(
      heatmapColumns(
        Array.from({ length: 100 }, (_, step) => ({
          step: step * 2,
          cells: [1],
          scalars: { wall_time: 1000 + (step < 35 ? step * 50 : 1800 + (step - 35) / 4) },
        })),
      ),
    );
    expect(stepsPerSecond(columns)).toBeCloseTo(8, 1);
  });

  it('know no speed without times or with two steps', () => {
    const columns = new RunColumns(1);
    columns.append(heatmapColumns([1, 2, 3, 4].map((step) => ({ step, cells: [1] }))));
    expect(stepsPerSecond(columns)).toBeNull();
  });

  it('find the newest scalar that was reported', () => {
    expect(newestScalar(Float64Array.of(1, 2, NaN))).toBe(2);
    expect(newestScalar(Float64Array.of(NaN))).toBeNull();
  });

  it('say where the loss is lowest and that the newest is NaN', () => {
    const series = new TimelineSeries(100);
    series.replace([bucket(1, 3), bucket(2, 1), bucket(3, 2), bucket(4, null)]);
    expect(lossFigures(series.columns)).toEqual({
      newest: null,
      newestStep: 4,
      isNewestNonFinite: true,
      lastFiniteStep: 3,
      lowest: { value: 1, step: 2 },
    });
  });

  it('do not call a loss that was not reported NaN', () => {
    const series = new TimelineSeries(100);
    series.replace([bucket(1, 3), { ...bucket(2, null), nonFiniteCount: 0 }]);
    expect(lossFigures(series.columns)).toMatchObject({ newest: null, isNewestNonFinite: false });
  });
});
