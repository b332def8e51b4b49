/**
 * Bodies of posts, made once: only steps and losses change from post to post, and they lie
 * in front. A body is sent as its small head, of which each post has a copy, and its tail
 * of layer metrics, which all posts share: measuring must not cost what is measured.
 */
import { encodeFrames } from '../../lib/contract/encode-frames';
import type { Frame } from '../../lib/contract/frame';
import { parseSafetensors } from '../../lib/contract/safetensors';
import { seededRandom } from '../../tests/seeded-random';

export interface FrameShape {
  readonly layers: number;
  readonly metrics: number;
  readonly stepsPerPost: number;
}

export interface FrameBody {
  readonly head: Buffer;
  readonly tail: Uint8Array;
}

/** What a healthy run of the contract's standard metrics looks like: level and relative noise. */
const METRICS: readonly (readonly [name: string, level: number, noise: number])[] = [
  ['gradient_norm', 1e-2, 0.1],
  ['gradient_rms', 1e-4, 0.1],
  ['rms', 0.98, 0.02],
  ['update_std', 0.229, 0.02],
  ['ratio_std', 0.229, 0.02],
  ['gradient_cosine', 0.01, 0.5],
  ['second_moment_below_epsilon_fraction', 0, 0],
  ['update_dip', 2e-3, 0.05],
  ['ratio_dip', 2e-3, 0.05],
  ['gradient_abs_max', 1e-2, 0.2],
  ['gradient_nonfinite_count', 0, 0],
  ['gradient_below_epsilon_fraction', 1e-3, 0.1],
  ['weight_norm', 12, 1e-4],
  ['update_mean', 1e-5, 1],
  ['update_abs_max', 2.5, 0.1],
  ['update_small_fraction', 0.04, 0.05],
];

/** Distinct frames: none is in a processor's nearest cache when its turn comes again. */
const DISTINCT_FRAMES = 128;

export class FrameBodies {
  readonly #bodies: readonly FrameBody[];
  readonly #stepAt: number;
  readonly #lossAt: number;
  readonly #stepsPerPost: number;
  #next = 0;

  constructor(shape: FrameShape, seed = 1) {
    const random = seededRandom(seed);
    const { stepsPerPost } = shape;
    const encoded = Array.from({ length: Math.ceil(DISTINCT_FRAMES / stepsPerPost) }, () =>
      encodeFrames(Array.from({ length: stepsPerPost }, (_, step) => aFrame(step, shape, random))),
    );
    const [first] = encoded;
    if (first === undefined) throw new RangeError('expected at least one body');
    const { tensors } = parseSafetensors(first);
    const offsetOf = (name: string): number => tensors.get(name)!.bytes.byteOffset;
    this.#stepAt = offsetOf('step');
    this.#lossAt = offsetOf('loss');
    this.#stepsPerPost = stepsPerPost;
    const headLength = Math.min(
      ...Array.from(tensors, ([name, { bytes }]) =>
        name.startsWith('layer/') ? bytes.byteOffset : Infinity,
      ),
    );
    this.#bodies = encoded.map((body) => ({
      head: Buffer.from(body.subarray(0, headLength)),
      tail: body.subarray(headLength),
    }));
  }

  get sizeBytes(): number {
    const [first] = this.#bodies;
    return (first?.head.length ?? 0) + (first?.tail.length ?? 0);
  }

  /** The next body, for these steps. */
  take(firstStep: number): FrameBody {
    const { head, tail } = this.#bodies[this.#next]!;
    this.#next = (this.#next + 1) % this.#bodies.length;
    const own = Buffer.from(head);
    for (let index = 0; index < this.#stepsPerPost; index++) {
      const step = firstStep + index;
      own.writeBigInt64LE(BigInt(step), this.#stepAt + index * 8);
      // Falls as losses do, and ripples a little.
      const loss = 3 + 2 / (1 + step / 100) + 0.02 * Math.sin(step * 1.7);
      own.writeDoubleLE(loss, this.#lossAt + index * 8);
    }
    return { head: own, tail };
  }
}

function aFrame(step: number, { layers, metrics }: FrameShape, random: () => number): Frame {
  const columns = Array.from({ length: metrics }, (_, index): [string, Float32Array] => {
    const [name, level, noise] = METRICS[index] ?? [`custom_${index}`, 1, 0.1];
    return [
      name,
      Float32Array.from({ length: layers }, () => level * (1 + noise * (2 * random() - 1))),
    ];
  });
  return {
    step,
    wallTime: 1.7e9 + step,
    scalars: new Map([
      ['loss', 3],
      ['learning_rate', 1e-3],
      ['gradient_norm', 1 + 0.1 * random()],
    ]),
    layerCount: layers,
    layerMetrics: new Map(columns),
    histograms: new Map(),
    samples: null,
  };
}
