/** Columns of one pass: 16 floats are a cache line of the output, and 16 sequential reads prefetch well. */
const LANES = 16;

/**
 * Turns columns, each `length` elements of `source` from its start on, into rows:
 * out[row · n + column] = source[starts[column] + row].
 *
 * Shape  n = starts.length columns of `length` → [length][n]
 * Cost   one pass, a cache line of the output written whole at a time; bits are kept
 */
export function transposeColumns(
  source: Uint32Array,
  starts: readonly number[],
  length: number,
  out: Uint32Array,
): void {
  const n = starts.length;
  let column = 0;
  for (; column + LANES <= n; column += LANES) {
    transposeLanes(source, starts.slice(column, column + LANES), length, out, column, n);
  }
  for (; column < n; column++) {
    let from = starts[column] ?? 0;
    for (let to = column; to < length * n; to += n) out[to] = source[from++] ?? 0;
  }
}

/** Written out: a loop over the lanes would look each start up again at every row. */
function transposeLanes(
  source: Uint32Array,
  starts: readonly number[],
  length: number,
  out: Uint32Array,
  firstColumn: number,
  n: number,
): void {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = starts;
  const [, , , , , , , , i = 0, j = 0, k = 0, l = 0, m = 0, o = 0, p = 0, q = 0] = starts;
  for (let row = 0, to = firstColumn; row < length; row++, to += n) {
    out[to] = source[a + row] ?? 0;
    out[to + 1] = source[b + row] ?? 0;
    out[to + 2] = source[c + row] ?? 0;
    out[to + 3] = source[d + row] ?? 0;
    out[to + 4] = source[e + row] ?? 0;
    out[to + 5] = source[f + row] ?? 0;
    out[to + 6] = source[g + row] ?? 0;
    out[to + 7] = source[h + row] ?? 0;
    out[to + 8] = source[i + row] ?? 0;
    out[to + 9] = source[j + row] ?? 0;
    out[to + 10] = source[k + row] ?? 0;
    out[to + 11] = source[l + row] ?? 0;
    out[to + 12] = source[m + row] ?? 0;
    out[to + 13] = source[o + row] ?? 0;
    out[to + 14] = source[p + row] ?? 0;
    out[to + 15] = source[q + row] ?? 0;
  }
}
