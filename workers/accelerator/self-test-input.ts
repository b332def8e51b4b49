/**
 * Rows of (g, m, v) as trainings make them, and rows as nothing should make them, for the
 * test that a backend passes before it is used.
 */
import type { FrameStatisticsInput } from '../../lib/stats/frame-statistics';

/** Deterministic uniform numbers in [0, 1): mulberry32. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Coordinate {
  readonly g: number;
  readonly m: number;
  readonly v: number;
}
type CoordinateMaker = (normal: () => number, index: number) => Coordinate;

const EPSILON = 1e-8;

/** Around a scale, with r of standard deviation 0.229. */
function healthy(normal: () => number, scale: number): Coordinate {
  const v = (scale * (0.5 + Math.abs(normal()))) ** 2;
  return { g: scale * normal(), m: 0.229 * normal() * Math.sqrt(v), v };
}

/** What a device computes itself. */
const ORDINARY: readonly CoordinateMaker[] = [
  (normal) => healthy(normal, 1e-3),
  // Correlated gradients: r near ±0.7.
  (normal, i) => {
    const v = 1e-6 * (1 + 0.1 * Math.abs(normal()));
    const m = (i % 2 === 0 ? 1 : -1) * (0.7 + 0.1 * normal()) * Math.sqrt(v);
    return { g: m + 1e-4 * normal(), m, v };
  },
  // A quarter of the rows of an embedding whose tokens no batch holds.
  (normal, i) => (i % 4 === 0 ? { g: 0, m: 0, v: 0 } : healthy(normal, 1e-2)),
  // Ten decades in one layer.
  (normal) => healthy(normal, 10 ** (2.5 * normal() - 4)),
  // u collapsed by ε.
  (normal) => healthy(normal, 1e-10),
  () => ({ g: 0, m: 0, v: 0 }),
  // One burst on a stale v: r far from its bound.
  (normal, i) => ({ ...healthy(normal, 1e-3), m: i % 64 === 0 ? 1 : 1e-5 * normal() }),
];

const SUBNORMAL = 1e-40;

/** One odd value in every 16 of a healthy row. */
function sprinkled(odd: (healthy: Coordinate, index: number) => Coordinate): CoordinateMaker {
  return (normal, i) => {
    const coordinate = healthy(normal, 1e-3);
    return i % 16 === 5 ? odd(coordinate, i) : coordinate;
  };
}

/** What only the host gets right. */
const PATHOLOGICAL: readonly CoordinateMaker[] = [
  sprinkled((c) => ({ ...c, g: NaN })),
  sprinkled((c) => ({ ...c, m: NaN })),
  sprinkled((c) => ({ ...c, v: NaN })),
  sprinkled((c, i) => ({ ...c, g: i % 32 === 5 ? Infinity : -Infinity })),
  sprinkled((c, i) => ({ ...c, m: i % 32 === 5 ? Infinity : -Infinity })),
  sprinkled((c) => ({ ...c, v: Infinity })),
  sprinkled((c) => ({ ...c, v: -c.v })),
  sprinkled((c) => ({ ...c, v: -0 })),
  sprinkled((c) => ({ ...c, v: 0 })),
  sprinkled((c) => ({ ...c, g: -SUBNORMAL })),
  sprinkled((c) => ({ ...c, m: -SUBNORMAL })),
  sprinkled((c) => ({ ...c, v: SUBNORMAL })),
  sprinkled((c) => ({ ...c, m: 3e38 })),
  // The smallest float32 there is.
  sprinkled((c) => ({ ...c, g: -1.4e-45, m: -1.4e-45 })),
  () => ({ g: SUBNORMAL, m: -SUBNORMAL, v: SUBNORMAL }),
  () => ({ g: NaN, m: NaN, v: NaN }),
  (_, i) => ({ g: i % 2 === 0 ? 3e38 : -3e38, m: 3e38, v: 3e38 }),
  (normal) => healthy(normal, 1e-18),
  // The first step of Adam: every r is ±1, which is an edge of u.
  (normal) => {
    const g = normal();
    return { g, m: g, v: Math.fround(g) ** 2 };
  },
];

export interface SelfTestInput {
  readonly input: FrameStatisticsInput;
  /** Whether the device is to compute every row itself. */
  readonly isOrdinary: boolean;
}

/** Rows of 512: 3,584 coordinates of one kind and 9,728 of the other, 0.2 s on a software device. */
export function selfTestInputs(sampleCount = 512): SelfTestInput[] {
  return [
    {
      input: { ...toInput(ORDINARY, sampleCount, 1), beta1: 0.9, beta2: 0.95 },
      isOrdinary: true,
    },
    {
      input: { ...toInput(PATHOLOGICAL, sampleCount, 2), beta1: null, beta2: null },
      isOrdinary: false,
    },
  ];
}

function toInput(makers: readonly CoordinateMaker[], sampleCount: number, seed: number) {
  const random = seededRandom(seed);
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const coordinates = makers.flatMap((make) =>
    Array.from({ length: sampleCount }, (_, index) => make(normal, index)),
  );
  return {
    layerCount: makers.length,
    sampleCount,
    gradient: Float32Array.from(coordinates, ({ g }) => g),
    firstMoment: Float32Array.from(coordinates, ({ m }) => m),
    secondMoment: Float32Array.from(coordinates, ({ v }) => v),
    previousGradient: Float32Array.from(coordinates, ({ g }) => 0.5 * g + 1e-3 * normal()),
    parameterCounts: new Float64Array(makers.length).fill(1e6),
    epsilon: EPSILON,
  };
}
