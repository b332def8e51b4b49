/**
 * Hartigan's dip of a piecewise-linear distribution function: half the least sup|F − G|
 * over unimodal G (convex left of a mode, concave right of it, an atom only at the mode)
 * is what the loop below closes in on. It keeps an interval [start, end] that holds the
 * mode and takes, on it, the greatest convex minorant of F's lower values and the least
 * concave majorant of its upper ones. Where they are furthest apart the interval is cut;
 * what the two hulls miss on the parts cut off is a lower bound of twice the dip. It ends
 * when the hulls are nowhere further apart than that bound.
 *
 * The hulls are not built anew for each interval. A monotone stack that keeps the link
 * from each vertex to the one below it on the stack holds the minorants of all prefixes
 * (and, from the other end, the majorants of all suffixes); the hull on [start, end] is
 * the chain of links from one end to the other, as both ends are vertices of those hulls.
 */

/** Vertices of one distribution function, and room to work. Belongs to one thread. */
export interface DipWork {
  readonly capacity: number;
  /** Positions, strictly increasing. */
  readonly x: Float64Array;
  /** F(x−) and F(x): equal but at atoms. Any unit; F rises from lo[0] = 0 to the last hi. */
  readonly lo: Float64Array;
  readonly hi: Float64Array;
  /** Vertex before i on the minorant of [0, i]; vertex after i on the majorant of [i, last]. */
  readonly minorantLink: Int32Array;
  readonly majorantLink: Int32Array;
  /** Of the line from each vertex to its link; −∞ where the links end. */
  readonly slope: Float64Array;
  /** The hulls' vertices on the present interval: minorant from the right, majorant from the left. */
  readonly minorant: Int32Array;
  readonly majorant: Int32Array;
  /** The widest gap between the hulls, and the interval that is left when it is cut there. */
  readonly cut: { gap: number; start: number; end: number };
}

export function createDipWork(capacity: number): DipWork {
  return {
    capacity,
    x: new Float64Array(capacity),
    lo: new Float64Array(capacity),
    hi: new Float64Array(capacity),
    minorantLink: new Int32Array(capacity),
    majorantLink: new Int32Array(capacity),
    slope: new Float64Array(capacity),
    minorant: new Int32Array(capacity),
    majorant: new Int32Array(capacity),
    cut: { gap: 0, start: 0, end: 0 },
  };
}

let shared = createDipWork(1024);

/**
 * Room for `vertexCount` vertices, the same at every call: fill it and call `dipOfVertices`
 * before anything else borrows it. Grows by doubling and never shrinks.
 */
export function borrowDipWork(vertexCount: number): DipWork {
  if (shared.capacity < vertexCount) {
    shared = createDipWork(Math.max(vertexCount, 2 * shared.capacity));
  }
  return shared;
}

/**
 * Dip of the distribution function through the first `vertexCount` vertices of `work`:
 * linear from (x, hi) of one to (x, lo) of the next, with an atom of hi − lo at each.
 *
 * Shape       vertexCount ≥ 0 → scalar in [0, 0.25], in shares of the last hi
 * Empty       NaN, as for a distribution without mass
 * NaN/Inf     the caller's to leave out; the result is undefined with them
 * Definition  of the distribution: one atom alone has dip 0. A sample's convention,
 *             dip ≥ 1/(2n), is `dipOfSample`'s
 * Cost        O(n) for the links, then O(vertices of both hulls) for each cut. Smooth shapes
 *             halve the interval at each cut, so that the sum is O(n); O(n²) at worst
 * Source      J. A. Hartigan, P. M. Hartigan, The Dip Test of Unimodality, 1985: the
 *             definition. Written from it; checked against it in tests as a linear program
 */
export function dipOfVertices(work: DipWork, vertexCount: number): number {
  const last = vertexCount - 1;
  const total = work.hi[last] ?? 0;
  if (!(total > 0)) return NaN;
  linkMinorants(work, vertexCount);
  linkMajorants(work, vertexCount);

  const { cut } = work;
  let start = 0;
  let end = last;
  let twiceDip = 0;
  for (;;) {
    const minorantCount = collectMinorant(work, start, end);
    const majorantCount = collectMajorant(work, start, end);
    cut.gap = -1;
    compareAtMinorant(work, minorantCount);
    compareAtMajorant(work, majorantCount);
    if (cut.gap <= twiceDip) break;

    twiceDip = Math.max(
      twiceDip,
      missedByMinorant(work, minorantCount, cut.start),
      missedByMajorant(work, majorantCount, cut.end),
    );
    if (cut.start === start && cut.end === end) break;
    start = cut.start;
    end = cut.end;
  }
  return twiceDip / 2 / total;
}

/** Widens `cut` to the widest gap over the minorant's vertices, if that is wider. */
function compareAtMinorant(
  { x, lo, hi, minorant, majorant, cut }: DipWork,
  minorantCount: number,
): void {
  let j = 0;
  for (let m = minorantCount - 1; m >= 0; m--) {
    const vertex = minorant[m] ?? 0;
    while ((majorant[j] ?? 0) < vertex) j++;
    const above = majorant[j] ?? 0;
    const upper =
      above === vertex ? (hi[vertex] ?? 0) : lineAt(x, hi, majorant[j - 1] ?? 0, above, vertex);
    const gap = upper - (lo[vertex] ?? 0);
    if (gap > cut.gap) {
      cut.gap = gap;
      cut.start = vertex;
      cut.end = above;
    }
  }
}

/** The same over the majorant's vertices. */
function compareAtMajorant(
  { x, lo, hi, minorant, majorant, cut }: DipWork,
  majorantCount: number,
): void {
  let m = 0;
  for (let j = majorantCount - 1; j >= 0; j--) {
    const vertex = majorant[j] ?? 0;
    while ((minorant[m] ?? 0) > vertex) m++;
    const below = minorant[m] ?? 0;
    const lower =
      below === vertex ? (lo[vertex] ?? 0) : lineAt(x, lo, below, minorant[m - 1] ?? 0, vertex);
    const gap = (hi[vertex] ?? 0) - lower;
    if (gap > cut.gap) {
      cut.gap = gap;
      cut.start = below;
      cut.end = vertex;
    }
  }
}

/** Height at vertex `at` of the line through vertices `left` and `right`. */
function lineAt(x: Float64Array, y: Float64Array, left: number, right: number, at: number): number {
  const origin = x[left] ?? 0;
  const height = y[left] ?? 0;
  const share = ((x[at] ?? 0) - origin) / ((x[right] ?? 0) - origin);
  return height + ((y[right] ?? 0) - height) * share;
}

function linkMinorants({ x, lo, minorantLink, slope }: DipWork, vertexCount: number): void {
  minorantLink[0] = -1;
  slope[0] = -Infinity;
  for (let i = 1; i < vertexCount; i++) {
    const at = x[i] ?? 0;
    const height = lo[i] ?? 0;
    let top = i - 1;
    let rise = (height - (lo[top] ?? 0)) / (at - (x[top] ?? 0));
    // A vertex that is not below the line from the one before it to this one goes.
    while (rise <= (slope[top] ?? 0)) {
      top = minorantLink[top] ?? 0;
      rise = (height - (lo[top] ?? 0)) / (at - (x[top] ?? 0));
    }
    minorantLink[i] = top;
    slope[i] = rise;
  }
}

function linkMajorants({ x, hi, majorantLink, slope }: DipWork, vertexCount: number): void {
  const last = vertexCount - 1;
  majorantLink[last] = -1;
  slope[last] = -Infinity;
  for (let i = last - 1; i >= 0; i--) {
    const at = x[i] ?? 0;
    const height = hi[i] ?? 0;
    let top = i + 1;
    let rise = ((hi[top] ?? 0) - height) / ((x[top] ?? 0) - at);
    while (rise <= (slope[top] ?? 0)) {
      top = majorantLink[top] ?? 0;
      rise = ((hi[top] ?? 0) - height) / ((x[top] ?? 0) - at);
    }
    majorantLink[i] = top;
    slope[i] = rise;
  }
}

/** Vertices of the minorant on [start, end] into `work.minorant`, last first; their count. */
function collectMinorant({ minorant, minorantLink }: DipWork, start: number, end: number): number {
  let count = 0;
  // Rounding could let a chain pass `start` by; the hull on the interval still ends there.
  for (let i = end; i > start; i = minorantLink[i] ?? -1) minorant[count++] = i;
  minorant[count++] = start;
  return count;
}

/** Vertices of the majorant on [start, end] into `work.majorant`, first first; their count. */
function collectMajorant({ majorant, majorantLink }: DipWork, start: number, end: number): number {
  let count = 0;
  for (let i = start; i < end && i >= 0; i = majorantLink[i] ?? -1) majorant[count++] = i;
  majorant[count++] = end;
  return count;
}

/** The most by which F's upper values exceed the minorant on its vertices before `end`. */
function missedByMinorant(
  { x, lo, hi, minorant }: DipWork,
  minorantCount: number,
  end: number,
): number {
  let missed = 0;
  // `end` itself stays out: the atom of a mode there is allowed.
  for (let m = minorantCount - 1; m > 0; m--) {
    const left = minorant[m] ?? 0;
    const right = minorant[m - 1] ?? 0;
    if (left >= end) break;
    const origin = x[left] ?? 0;
    const height = lo[left] ?? 0;
    const slope = ((lo[right] ?? 0) - height) / ((x[right] ?? 0) - origin);
    for (let i = left; i < right; i++) {
      const miss = (hi[i] ?? 0) - height - slope * ((x[i] ?? 0) - origin);
      if (miss > missed) missed = miss;
    }
  }
  return missed;
}

/** The most by which the majorant exceeds F's lower values on its vertices after `start`. */
function missedByMajorant(
  { x, lo, hi, majorant }: DipWork,
  majorantCount: number,
  start: number,
): number {
  let missed = 0;
  for (let j = majorantCount - 1; j > 0; j--) {
    const left = majorant[j - 1] ?? 0;
    const right = majorant[j] ?? 0;
    if (right <= start) break;
    const origin = x[right] ?? 0;
    const height = hi[right] ?? 0;
    const slope = (height - (hi[left] ?? 0)) / (origin - (x[left] ?? 0));
    for (let i = right; i > left; i--) {
      const miss = height - slope * (origin - (x[i] ?? 0)) - (lo[i] ?? 0);
      if (miss > missed) missed = miss;
    }
  }
  return missed;
}
