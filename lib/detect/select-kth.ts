/**
 * The k-th smallest of the first `count` values, counted from 0. Reorders them.
 *
 * NaN/Inf  the caller keeps NaN out
 * Throws   nothing; k outside [0, count) gives some value of the array
 * Cost     O(count) on average (Hoare 1961, pivot from the middle)
 */
export function selectKth(values: Float32Array, count: number, k: number): number {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const pivot = values[(low + high) >>> 1] ?? 0;
    let i = low;
    let j = high;
    while (i <= j) {
      while ((values[i] ?? 0) < pivot) i++;
      while ((values[j] ?? 0) > pivot) j--;
      if (i <= j) {
        const swapped = values[i] ?? 0;
        values[i] = values[j] ?? 0;
        values[j] = swapped;
        i++;
        j--;
      }
    }
    if (k <= j) high = j;
    else if (k >= i) low = i;
    else break;
  }
  return values[k] ?? NaN;
}
