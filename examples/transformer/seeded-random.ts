/**
 * Random numbers in [0, 1) that depend on the seed alone: a mixing function over a
 * counter, so that step n of a run can be drawn without drawing the ones before it.
 *
 * Source  mulberry32 (Tommy Ettinger, public domain)
 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `count` draws of a normal with mean 0, by Box and Muller. */
export function normalValues(
  count: number,
  standardDeviation: number,
  random: () => number,
): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    // 1 − u lies in (0, 1], where the logarithm is finite.
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    values[i] = standardDeviation * radius * Math.cos(2 * Math.PI * random());
  }
  return values;
}
