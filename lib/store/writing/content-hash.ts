import { createHash, type Hash } from 'node:crypto';
import type { Frame } from '../../contract/frame';

function addText(hash: Hash, text: string): void {
  hash.update(`${text.length}:${text}`);
}

function addNumbers(
  hash: Hash,
  name: string,
  values: Float32Array | Float64Array | Uint32Array,
): void {
  addText(hash, `${name}[${values.length}]`);
  hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}

function byName<Value>(entries: ReadonlyMap<string, Value>): [string, Value][] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * What a post says about its step, in 16 bytes: a retry has the same, however its names
 * are ordered and whenever it was sent (`wallTime` is left out). Take it of the frame as it
 * was posted: what the worker derives may depend on the step before and differ in a retry.
 *
 * Cost  one pass over the frame, 0.6 ns a byte where the processor has SHA instructions
 */
export function frameContentHash(frame: Frame): Buffer {
  const hash = createHash('sha256');
  addText(hash, `layers:${frame.layerCount}`);
  for (const [name, value] of byName(frame.scalars))
    addNumbers(hash, `scalar/${name}`, Float64Array.of(value));
  for (const [name, values] of byName(frame.layerMetrics))
    addNumbers(hash, `layer/${name}`, values);
  for (const [name, histogram] of byName(frame.histograms)) {
    addNumbers(hash, `edges/${name}`, histogram.edges);
    addNumbers(hash, `histogram/${name}`, histogram.counts);
    addNumbers(hash, `outside/${name}`, histogram.outside);
  }
  if (frame.samples !== null) {
    addNumbers(hash, 'sample/gradient', frame.samples.gradient);
    addNumbers(hash, 'sample/first_moment', frame.samples.firstMoment);
    addNumbers(hash, 'sample/second_moment', frame.samples.secondMoment);
  }
  return hash.digest().subarray(0, 16);
}
