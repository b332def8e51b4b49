import type { RunPlotModel } from './run-view-model';

/** The loss of the column that holds the step, in the unit shown; null where none was reported. */
export function lossOf(
  { columns, isPerplexity }: Pick<RunPlotModel, 'columns' | 'isPerplexity'>,
  step: number,
): number | null {
  const column = columns.columnAt(step);
  const nats = column === null ? NaN : (columns.loss[column] ?? NaN);
  const value = isPerplexity ? Math.exp(nats) : nats;
  return Number.isFinite(value) ? value : null;
}

/** The reported step nearest to one asked for. */
export function nearestStepOf({
  columns,
}: Pick<RunPlotModel, 'columns'>): (step: number) => number {
  return (step) => {
    const column = columns.nearestColumn(step);
    if (column === null) return step;
    const from = columns.fromStep[column] ?? step;
    const to = columns.toStep[column] ?? step;
    return Math.min(to, Math.max(from, step));
  };
}
