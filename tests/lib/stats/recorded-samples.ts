import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { parseSafetensors, readFloat32, readInt64 } from '@/lib/contract/safetensors';

const folder = new URL('../../fixtures/recorded/', import.meta.url);

/** Raw (g, m, v) of 4,096 coordinates of 35 layers at steps 314, 317 and 319 of a real run. */
export function readRecordedSamples() {
  const body = gunzipSync(readFileSync(new URL('B_samples.safetensors.gz', folder)));
  const { metadata, tensors } = parseSafetensors(body);
  const tensor = (name: string) => tensors.get(name)!;
  const [, layerCount = 0, sampleCount = 0] = tensor('sample/gradient').shape;
  const at = (name: string, index: number) => {
    const values = readFloat32(name, tensor(name));
    const length = layerCount * sampleCount;
    return values.slice(index * length, (index + 1) * length);
  };
  return {
    layers: JSON.parse(metadata.get('layers')!) as string[],
    layerCount,
    sampleCount,
    steps: [...readInt64('step', tensor('step'))].map((step, index) => ({
      step: Number(step),
      gradient: at('sample/gradient', index),
      firstMoment: at('sample/first_moment', index),
      secondMoment: at('sample/second_moment', index),
    })),
  };
}

/** What NumPy made of some of those in float64. */
export function readExpectedStatistics() {
  return JSON.parse(readFileSync(new URL('B_samples.expected.json', folder), 'utf8')) as {
    epsilon: number;
    values: Record<string, Record<string, number>>;
  };
}
