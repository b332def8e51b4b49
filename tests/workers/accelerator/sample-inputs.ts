import type { FrameStatisticsInput } from '@/lib/stats/frame-statistics';
import { readRecordedSamples } from '../../lib/stats/recorded-samples';
import { normalFrom, seededRandom } from '@/tests/seeded-random';
import { selfTestInputs } from '@/workers/accelerator/self-test-input';

const base = { epsilon: 1e-8, beta1: 0.9, beta2: 0.95, missingBits: 0x7fc0dead };

/** Layers of gradients of many scales, as a healthy training has them. */
export function randomInput(
  layerCount: number,
  sampleCount: number,
  overrides: Partial<FrameStatisticsInput> = {},
): FrameStatisticsInput {
  const random = seededRandom(layerCount * 31 + sampleCount);
  const normal = normalFrom(random);
  const count = layerCount * sampleCount;
  const scales = Array.from({ length: layerCount }, () => 10 ** (-6 * random()));
  const scaleAt = (i: number) => scales[Math.floor(i / sampleCount)]!;
  const gradient = Float32Array.from({ length: count }, (_, i) => scaleAt(i) * normal());
  const secondMoment = Float32Array.from(
    { length: count },
    (_, i) => (scaleAt(i) * (0.5 + random())) ** 2,
  );
  return {
    ...base,
    layerCount,
    sampleCount,
    gradient,
    firstMoment: secondMoment.map((v) => 0.23 * normal() * Math.sqrt(v)),
    secondMoment,
    previousGradient: gradient.map((g, i) => g + scaleAt(i) * normal()),
    parameterCounts: Float64Array.from({ length: layerCount }, (_, i) => 1000 * (i + 1)),
    ...overrides,
  };
}

/** The three steps of a real run: before, at and after a burst. */
export function recordedInputs(): FrameStatisticsInput[] {
  const { layerCount, sampleCount, steps } = readRecordedSamples();
  return steps.map(({ gradient, firstMoment, secondMoment }, index) => ({
    ...base,
    epsilon: 1e-5,
    layerCount,
    sampleCount,
    gradient,
    firstMoment,
    secondMoment,
    previousGradient: steps[index - 1]?.gradient ?? null,
    parameterCounts: new Float64Array(layerCount).fill(1e6),
  }));
}

/** Any bits at all: half of the coordinates of each row are ordinary. */
export function arbitraryBitsInput(seed: number, layerCount: number, sampleCount: number) {
  const input = randomInput(layerCount, sampleCount);
  const random = seededRandom(seed);
  const scramble = (values: Float32Array): Float32Array => {
    const bits = new Uint32Array(values.slice().buffer);
    // The first layers stay as they are, the last have every other value replaced.
    for (let i = 0; i < bits.length; i++) {
      const share = (0.5 * Math.floor(i / sampleCount)) / layerCount;
      if (random() < share) bits[i] = Math.floor(random() * 2 ** 32);
    }
    return new Float32Array(bits.buffer);
  };
  return {
    ...input,
    gradient: scramble(input.gradient),
    firstMoment: scramble(input.firstMoment),
    secondMoment: scramble(input.secondMoment),
  };
}

/** r and u on the very edges of their bins, and one float32 to either side. */
export function onEdgesInput(edges: Float32Array): FrameStatisticsInput {
  const bits = new Int32Array(edges.slice().buffer);
  const moments = new Float32Array(
    Int32Array.from({ length: bits.length * 3 }, (_, i) => bits[Math.floor(i / 3)]! + (i % 3) - 1)
      .buffer,
  );
  const ones = new Float32Array(moments.length).fill(1);
  return {
    ...base,
    epsilon: 0,
    // A coordinate a row, so that none is lost among rows that the host does.
    layerCount: moments.length,
    sampleCount: 1,
    gradient: ones,
    firstMoment: moments,
    secondMoment: ones,
    previousGradient: null,
    parameterCounts: new Float64Array(moments.length).fill(1),
  };
}

export function pathologicalInput(): FrameStatisticsInput {
  return { ...selfTestInputs().find(({ isOrdinary }) => !isOrdinary)!.input, ...base };
}
