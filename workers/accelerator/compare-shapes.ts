/**
 * How far a backend's shapes may be from the reference. Measured on a software device: 5e-8
 * of a dip, 2e-6 of a valley's depth.
 */
import {
  type HistogramShapes,
  SHAPE_MEASURES,
  type ShapeMeasure,
  type ShapesInput,
  computeHistogramShapes,
} from '../../lib/stats/histogram-shapes';

type Allowance = (expected: number, row: Row) => number;

interface Row {
  readonly mean: number;
  readonly std: number;
}

/** A mean far from 0 costs the deviations from it their digits. */
const conditionOf = ({ mean, std }: Row): number => 1 + Math.abs(mean) / std;

const ALLOWANCES: Readonly<Record<ShapeMeasure, Allowance>> = {
  // Of shares, whatever the dip: heights and chords are rounded to 2^-24, hulls within 2^-21 are one.
  dip: () => 1e-6,
  valleyDepth: () => 1e-5,
  mean: (_, { mean, std }) => 1e-6 * (Math.abs(mean) + std),
  std: (expected, row) => 1e-5 * expected * conditionOf(row),
  skewness: (expected, row) => 1e-5 * (1 + Math.abs(expected)) * conditionOf(row),
  excessKurtosis: (expected, row) => 1e-5 * (3 + Math.abs(expected)) * conditionOf(row),
  bimodalityCoefficient: (_, row) => 1e-5 * conditionOf(row),
};

/** One sentence for each number that is further from the reference than allowed. */
export function compareShapes(input: ShapesInput, actual: HistogramShapes): string[] {
  const expected = computeHistogramShapes({ ...input, measures: SHAPE_MEASURES });
  const faults: string[] = [];
  for (const measure of input.measures) {
    const wanted = columnOf(expected, measure);
    const got = columnOf(actual, measure);
    wanted.forEach((value, row) => {
      const gotValue = got[row] ?? NaN;
      if (Object.is(value, gotValue)) return;
      const allowed = ALLOWANCES[measure](value, {
        mean: columnOf(expected, 'mean')[row] ?? NaN,
        std: columnOf(expected, 'std')[row] ?? NaN,
      });
      if (Math.abs(value - gotValue) <= allowed) return;
      faults.push(`${measure} of row ${row}: expected ${value} ± ${allowed}, got ${gotValue}`);
    });
  }
  return faults;
}

function columnOf(shapes: HistogramShapes, measure: ShapeMeasure): Float64Array {
  return shapes.get(measure) ?? new Float64Array(0);
}
