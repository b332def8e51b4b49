import type { TensorDevice, TensorLibrary, UploadColumn } from './tensor-library';
import { classifyBits } from './value-class';

/** A device on tfjs's current backend, where that computes integers exactly. */
export function toTensorDevice(
  tf: TensorLibrary,
  { name, device, isSoftware }: Pick<TensorDevice, 'name' | 'device' | 'isSoftware'>,
): TensorDevice {
  return {
    tf,
    name,
    device,
    isSoftware,
    samples: { kind: 'tensors', upload: uploadTo(tf) },
    // What fails here throws where it fails.
    watch: () => () => Promise.resolve(null),
    deviceBytes: () => tf.memory().numBytes,
    dispose: () => undefined,
  };
}

export function uploadTo(tf: TensorLibrary): UploadColumn {
  return (values, rowCount) => {
    const shape: [number, number] = [rowCount, values.length / rowCount];
    const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
    return {
      values: tf.tensor2d(values, shape, 'float32'),
      classes: classifyBits(tf, tf.tensor2d(bits, shape, 'int32')),
    };
  };
}
