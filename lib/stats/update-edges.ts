/** The smallest and largest magnitude told apart: below 1e-12 an update moves no float32 weight. */
const LOWEST_DECADE = -12;
const HIGHEST_DECADE = 1;
/** At 16 bins a decade the dip on these edges reads at most 5 % low; at 8 it is 12 %. */
const BINS_PER_DECADE = 16;

/** Magnitudes that are edges: 10^(−12 + k/16), k = 0…208. */
export const UPDATE_MAGNITUDE_COUNT = (HIGHEST_DECADE - LOWEST_DECADE) * BINS_PER_DECADE + 1;
export const UPDATE_BIN_COUNT = 2 * UPDATE_MAGNITUDE_COUNT;

/** [209] float32, rising from 1e-12 to 10. */
export function computeUpdateMagnitudes(): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    { length: UPDATE_MAGNITUDE_COUNT },
    (_, k) => 10 ** (LOWEST_DECADE + k / BINS_PER_DECADE),
  );
}

/**
 * Edges of the histogram of u: −10 … −1e-12, 0, 1e-12 … 10, logarithmic on each side.
 *
 * The two bins beside 0 hold what is smaller than 1e-12 but not 0; the edge at 0 keeps
 * its sign and gives the atom of exact zeros a place of its own. Linear bins would not
 * see two peaks of a collapsed u.
 *
 * Shape  [419] float32, strictly increasing, edge i = −edge (418 − i); 418 bins
 * Units  those of u: none (a share of the learning rate)
 */
export function computeUpdateEdges(): Float32Array<ArrayBuffer> {
  const magnitudes = computeUpdateMagnitudes();
  const edges = new Float32Array(UPDATE_BIN_COUNT + 1);
  magnitudes.forEach((magnitude, k) => {
    edges[UPDATE_MAGNITUDE_COUNT + 1 + k] = magnitude;
    edges[UPDATE_MAGNITUDE_COUNT - 1 - k] = -magnitude;
  });
  return edges;
}
