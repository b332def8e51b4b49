import type * as tfjs from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { SampleProgram } from './sample-program';

/** tfjs-core, handed in: loading it takes 300 ms that a worker without a device never pays. */
export type TensorLibrary = typeof tfjs;

/** [rows × samples] of one input on the device: its values, and the VALUE_CLASS of each. */
export interface UploadedColumn {
  readonly values: Tensor;
  readonly classes: Tensor;
}

export type UploadColumn = (values: Float32Array, rowCount: number) => UploadedColumn;

/** A tensor backend that was loaded, before it is known to compute what it should. */
export interface TensorDevice {
  readonly tf: TensorLibrary;
  readonly name: 'tensorflow' | 'webgpu';
  /** What it runs on, in words for the log. */
  readonly device: string;
  readonly isSoftware: boolean;
  /** Samples go through a program of the device's own, or through tensors of what is uploaded. */
  readonly samples:
    | { readonly kind: 'program'; readonly program: SampleProgram }
    | { readonly kind: 'tensors'; readonly upload: UploadColumn };
  /** Watches what is asked of the device; the function returned ends that and tells of a fault. */
  readonly watch: () => () => Promise<string | null>;
  /** Without those of its program. */
  readonly deviceBytes: () => number;
  readonly dispose: () => void;
}
