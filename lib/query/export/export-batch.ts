/** What an export is made of, before it is written in a format: columns, and batches of rows. */
import type { TableColumnType } from '../../store/reading/export-tables';

export type ExportColumnType = TableColumnType | 'float32';

export interface ExportColumn {
  readonly name: string;
  readonly type: ExportColumnType;
}

/**
 * The cells of one column in one batch; of `float32`, MISSING_FLOAT32_BITS is "not reported".
 * Whole numbers are all there. What is no list goes to another thread without a copy.
 */
export type ExportCells =
  | { readonly kind: 'whole'; readonly values: Float64Array }
  | { readonly kind: 'float32'; readonly values: Float32Array }
  | { readonly kind: 'list'; readonly values: readonly (number | string | null)[] };

export interface ExportBatch {
  readonly rowCount: number;
  /** In the order of the columns. */
  readonly cells: readonly ExportCells[];
  /** Every row up to this step is in this batch or in one before; null in the middle of a step. */
  readonly completeStep: number | null;
}

export interface ExportPlan {
  readonly columns: readonly ExportColumn[];
  /** Steps (of layers and steps) or rows (of all others) that `batches` go over. */
  readonly total: number;
  /** null where there are none. */
  readonly firstStep: number | null;
  readonly lastStep: number | null;
  /** Where to go on after a plan that `maxSteps` cut off. */
  readonly nextStep: number | null;
  /** The attempts that a trajectory follows, each with its first step, as `1:0,2:3000`; null of tables. */
  readonly attempts: string | null;
  /** Values before this step may be rounded; null where all are as they were posted. */
  readonly roundedBefore: number | null;
  /** Steps of which only rollups are left, which no row tells, as `0-4095`; null for none. */
  readonly gaps: string | null;
  /** The same as of now: a policy may let values go while batches are read. */
  readonly findGaps: () => Promise<string | null>;
  /** Ascending in steps. Nothing is read ahead of what is taken. */
  readonly batches: () => AsyncGenerator<ExportBatch>;
  /**
   * To be asked behind the last batch: rows of a run that is being removed are missing from
   * batches without a sign. Throws AppError `run_not_found` where it is not the same run any more.
   */
  readonly requireSameRun: () => Promise<void>;
}
