import type { RunColumns } from '@/lib/view/heatmap/run-columns';
import type { RunPlotModel } from './run-view-model';

/** The columns to read a step from: finer ones where the picture is zoomed into. */
export function columnsAt(columns: RunColumns, step: number): RunColumns {
  return columns.finer?.columnsAt(step) ?? columns;
}

/**
 * The step so many columns further on; at either end of the run the last one. What is left
 * waits for finer columns that are on their way: by coarser ones it would leap.
 */
export function stepBeside(
  columns: RunColumns,
  step: number,
  by: number,
): { readonly step: number; readonly left: number } {
  let at = step;
  for (let left = by; left !== 0; left -= Math.sign(by)) {
    if (columns.finer?.awaits(at) === true) return { step: at, left };
    const here = columnsAt(columns, at);
    const column = here.nearestColumn(at);
    if (column === null) break;
    const next = column + Math.sign(by);
    if (next >= 0 && next < here.columnCount) {
      at = here.toStep[next] ?? at;
      continue;
    }
    // The next column is of other columns, which lie side by side with these.
    const edge = by > 0 ? (here.newestStep ?? at) + 1 : (here.firstStep ?? at) - 1;
    if (columns.finer?.awaits(edge) === true) return { step: at, left };
    const beyond = columnsAt(columns, edge);
    if (beyond === here) break;
    const first = beyond.nearestColumn(edge);
    if (first !== null) at = beyond.toStep[first] ?? at;
  }
  return { step: at, left: 0 };
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
