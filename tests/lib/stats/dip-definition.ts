/** A vertex of a distribution function: position, F(x−), F(x). */
export type Vertex = readonly [x: number, lo: number, hi: number];

/**
 * The dip by its definition, for a few vertices: for each vertex as the mode, the linear
 * program "least D such that a G, convex before the mode and concave after it, stays within
 * D of F on both sides of each vertex". Between vertices F is linear, so G may be too.
 * Shares nothing with the algorithm under test.
 */
export function dipByDefinition(vertices: readonly Vertex[]): number {
  return Math.min(...vertices.map((_, mode) => leastDistance(vertices, mode)));
}

function leastDistance(vertices: readonly Vertex[], mode: number): number {
  // Variables ≥ 0: G at each vertex, the mode's once before and once after its jump, then D.
  const count = vertices.length;
  const variableCount = count + 2;
  const distance = count + 1;
  const rows: { coefficients: number[]; bound: number }[] = [];
  /** Σ coefficient · variable ≤ bound. */
  const demand = (terms: readonly (readonly [number, number])[], bound: number): void => {
    const coefficients = new Array<number>(variableCount).fill(0);
    for (const [variable, coefficient] of terms) coefficients[variable]! += coefficient;
    rows.push({ coefficients, bound });
  };
  const before = (i: number): number => i;
  const after = (i: number): number => i + 1;
  const stay = (variable: number, low: number, high: number): void => {
    demand(
      [
        [variable, -1],
        [distance, -1],
      ],
      -high,
    );
    demand(
      [
        [variable, 1],
        [distance, -1],
      ],
      low,
    );
  };
  const rise = (from: number, to: number): void =>
    demand(
      [
        [from, 1],
        [to, -1],
      ],
      0,
    );
  /** The slope from a to b is at most that from c to d. */
  const bend = (
    [a, b]: readonly [number, number],
    widthAb: number,
    [c, d]: readonly [number, number],
    widthCd: number,
  ): void =>
    demand(
      [
        [b, widthCd],
        [a, -widthCd],
        [d, -widthAb],
        [c, widthAb],
      ],
      0,
    );

  vertices.forEach(([, lo, hi], i) => {
    // A continuous G is as far from F(x−) as from F(x); at the mode it may jump with F.
    if (i < mode) stay(before(i), lo, hi);
    else if (i > mode) stay(after(i), lo, hi);
    else {
      stay(before(i), lo, lo);
      stay(after(i), hi, hi);
      rise(before(i), after(i));
    }
  });
  const width = (i: number): number => vertices[i + 1]![0] - vertices[i]![0];
  for (let i = 0; i < mode; i++) rise(before(i), before(i + 1));
  for (let i = mode; i + 1 < count; i++) rise(after(i), after(i + 1));
  for (let i = 0; i + 2 <= mode; i++) {
    bend([before(i), before(i + 1)], width(i), [before(i + 1), before(i + 2)], width(i + 1));
  }
  for (let i = mode; i + 2 < count; i++) {
    bend([after(i + 1), after(i + 2)], width(i + 1), [after(i), after(i + 1)], width(i));
  }
  demand([[after(count - 1), 1]], 1);
  return minimiseVariable(rows, variableCount, distance);
}

/**
 * Least value of one variable under rows · variables ≤ bounds, variables ≥ 0: the dual
 * simplex method from the slack basis, least index first, so that it cannot cycle.
 */
function minimiseVariable(
  rows: readonly { coefficients: readonly number[]; bound: number }[],
  variableCount: number,
  objective: number,
): number {
  const tolerance = 1e-11;
  const table = rows.map(({ coefficients, bound }, row) => [
    ...coefficients,
    ...rows.map((_, slack) => (slack === row ? 1 : 0)),
    bound,
  ]);
  const width = variableCount + rows.length;
  const cost: number[] = new Array<number>(width + 1).fill(0);
  cost[objective] = 1;
  const basis = rows.map((_, row) => variableCount + row);
  for (let step = 0; step < 5000; step++) {
    let leaving = -1;
    table.forEach((row, i) => {
      if (row[width]! >= -tolerance) return;
      if (leaving < 0 || basis[i]! < basis[leaving]!) leaving = i;
    });
    if (leaving < 0) return -cost[width]!;
    const row = table[leaving]!;
    let entering = -1;
    let least = Infinity;
    for (let column = 0; column < width; column++) {
      if (row[column]! >= -tolerance) continue;
      const ratio = cost[column]! / -row[column]!;
      if (ratio < least - tolerance) {
        least = ratio;
        entering = column;
      }
    }
    if (entering < 0) throw new Error('no unimodal function at any distance');
    const pivot = row[entering]!;
    for (let column = 0; column <= width; column++) row[column]! /= pivot;
    for (const other of [...table, cost]) {
      if (other === row || other[entering] === 0) continue;
      const factor = other[entering]!;
      for (let column = 0; column <= width; column++) other[column]! -= factor * row[column]!;
    }
    basis[leaving] = entering;
  }
  throw new Error('the simplex method did not end');
}
