import type { RunColumns } from '@/lib/view/heatmap/run-columns';
import type { RunPlotModel } from './run-view-model';

/** The columns that the picture shows a step from: finer ones where it is zoomed into. */
export function columnsAt(columns: RunColumns, step: number): RunColumns {
  return columns.finer?.columnsAt(step) ?? columns;
}

/** The step so many columns of the picture further on; at either end of the run the last one. */
export function stepBeside(columns: RunColumns, step: number, by: number): number {
  let at = step;
  for (let moved = 0; moved < Math.abs(by); moved++) {
    const here = columnsAt(columns, at);
    const column = here.nearestColumn(at);
    if (column === null) return at;
    const next = column + Math.sign(by);
    if (next >= 0 && next < here.columnCount) {
      at = here.toStep[next] ?? at;
      continue;
    }
    // The next column is of other columns, which lie side by side with these.
    const edge = by > 0 ? (here.newestStep ?? at) + 1 : (here.firstStep ?? at) - 1;
    const beyond = columnsAt(columns, edge);
    if (beyond === here) return at;
    const first = beyond.nearestColumn(edge);
    if (first !== null) at = beyond.toStep[first] ?? at;
  }
  return at;
}

/** The loss of the column that holds the step, in the unit shown; null where none was reported. */
export function lossOf(
  { columns, isPerplexity }: Pick<RunPlotModel, 'columns' | 'isPerplexity'>,
  step: number,
): number | null {
  const here = columnsAt(columns, step);
  const column = here.columnAt(step);
  const nats = column === null ? NaN : (here.loss[column] ?? NaN);
  const value = isPerplexity ? Math.exp(nats) : nats;
  return Number.isFinite(value) ? value : null;
}

/** The reported step nearest to one asked for. */
export function nearestStepOf({
  columns,
}: Pick<RunPlotModel, 'columns'>): (step: number) => number {
  return (step) => {
    const here = columnsAt(columns, step);
    const column = here.nearestColumn(step);
    if (column === null) return step;
    const from = here.fromStep[column] ?? step;
    const to = here.toStep[column] ?? step;
    return Math.min(to, Math.max(from, step));
  };
}
