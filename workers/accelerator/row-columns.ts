/**
 * What the device sends back for each row besides its counts: sums and extremes as
 * float32, from which the host makes the metrics in float64.
 */
export const ROW_COLUMNS = [
  /** Coordinates that the device cannot be trusted with. */
  'wild',
  'gradientSquares',
  'gradientMax',
  'gradientBelow',
  'rootBelow',
  'scaledSquares',
  /** r and u as deviations from a value near their mean. */
  'ratioSum',
  'ratioSquares',
  'ratioMax',
  'updateShift',
  'updateSum',
  'updateSquares',
  'updateMax',
  'updateSmall',
  /** Exact zeros: r and u have the same, those of m. */
  'zeros',
  /** Coordinates too close to an edge to be put on a side of it; the first and the last. */
  'near',
  'nearFirst',
  'nearLast',
] as const;

/** Where the step before is at hand. */
export const AGREEMENT_COLUMNS = [
  'agreementProduct',
  'previousSquares',
  'previousMax',
  'agreementEqual',
  'agreementPairs',
] as const;

export type RowColumn = (typeof ROW_COLUMNS)[number] | (typeof AGREEMENT_COLUMNS)[number];

export function columnNames(hasPrevious: boolean): readonly RowColumn[] {
  return hasPrevious ? [...ROW_COLUMNS, ...AGREEMENT_COLUMNS] : ROW_COLUMNS;
}
