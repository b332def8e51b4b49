/**
 * The decoded form of what a training job posts: one `Frame` a step, whichever of the
 * two encodings carried it. L' is the number of layers of the post (all of the run's,
 * or one shard's), B the bins of a histogram, S the samples a layer.
 */

/** Counts of one distribution over the layers of a frame. */
export interface HistogramFrame {
  /** [B + 1], finite and strictly increasing. */
  readonly edges: Float32Array;
  /** [L', B], row-major. */
  readonly counts: Uint32Array;
  /** [L', 4]: underflow, overflow, exact zeros, non-finite. Zeros are in no bin. */
  readonly outside: Uint32Array;
}

/** How raw coordinates may travel; the second moment never as F16, which flushes it. */
export const SAMPLE_TYPES = ['F32', 'F16', 'BF16'] as const;
export type SampleType = (typeof SAMPLE_TYPES)[number];

/** [L', S] as they were posted, little-endian. */
export interface PostedSamples {
  readonly type: SampleType;
  readonly bytes: Uint8Array;
}

/** Raw coordinates from which the worker computes metrics and histograms itself. */
export interface SampleFrame {
  readonly sampleCount: number;
  /** [L', S], row-major; the moments are bias-corrected. */
  readonly gradient: Float32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
  /** The same before they were widened; left out, they came as F32. */
  readonly posted?: {
    readonly gradient: PostedSamples;
    readonly firstMoment: PostedSamples;
    readonly secondMoment: PostedSamples;
  };
}

export interface Frame {
  readonly step: number;
  /** Unix seconds at which the job took the step; null when it did not say. */
  readonly wallTime: number | null;
  /** `loss`, `learning_rate`, `gradient_norm` and custom names; non-finite values as themselves. */
  readonly scalars: ReadonlyMap<string, number>;
  readonly layerCount: number;
  /** [L'] a metric; "not reported" is MISSING_FLOAT32_BITS. */
  readonly layerMetrics: ReadonlyMap<string, Float32Array>;
  /** By name: `update`, `ratio` or custom. */
  readonly histograms: ReadonlyMap<string, HistogramFrame>;
  readonly samples: SampleFrame | null;
}

/** One step of a request that was not stored, and why. */
export interface RejectedStep {
  readonly step: number;
  readonly code: string;
  readonly message: string;
}

export interface FrameRequest {
  /** null: the newest attempt. */
  readonly attempt: number | null;
  /** null: the frames hold every layer of the run. */
  readonly layerOffset: number | null;
  readonly frames: readonly Frame[];
  /** Steps that could not be decoded; the others of the request stand. */
  readonly rejected: readonly RejectedStep[];
  /** Paths of fields that are no part of the contract and were left out. */
  readonly ignored?: readonly string[];
}
