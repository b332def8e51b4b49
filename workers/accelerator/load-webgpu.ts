/**
 * tfjs's WebGPU backend on Dawn, in Node. Dawn is a browser's implementation without a
 * browser: `navigator.gpu` and the GPU classes are made here, as tfjs looks for them.
 */
import type { Tensor } from '@tensorflow/tfjs-core';
import { BufferPool } from './buffer-pool';
import { isSoftwareAdapter } from './software-adapter';
import type { TensorDevice } from './tensor-library';
import { watchFaults } from './watch-faults';
import { createClassProgram } from './webgpu-class-program';

/** Throws Error where there is no driver, no adapter or no device. */
export async function loadWebgpu(): Promise<TensorDevice> {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const gpu = create([]);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) throw new Error('no graphics adapter with a Vulkan, Metal or D3D12 driver');
  // Before `navigator.gpu` is there, or tfjs would register a backend on an adapter of its own.
  const tf = await import('@tensorflow/tfjs-core');
  const { WebGPUBackend, webgpu_util: webgpuUtil } =
    await import('@tensorflow/tfjs-backend-webgpu');
  // Node has a navigator of its own from version 21 on, and it is read-only.
  Object.defineProperty(globalThis, 'navigator', {
    value: { gpu, userAgent: 'node' },
    configurable: true,
  });

  const { limits, info } = adapter;
  const gpuDevice = await adapter.requestDevice({
    requiredLimits: {
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxBufferSize: limits.maxBufferSize,
      maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    },
  });

  const backend = new WebGPUBackend(gpuDevice, info);
  tf.registerBackend('webgpu', () => backend);
  if (!(await tf.setBackend('webgpu'))) throw new Error('tfjs refused the WebGPU backend');

  const buffers = new BufferPool(gpuDevice);
  return {
    tf,
    name: 'webgpu',
    device: [info.vendor, info.architecture, info.description].filter(Boolean).join(' '),
    isSoftware: isSoftwareAdapter(info),
    upload(values, rowCount) {
      const shape: [number, number] = [rowCount, values.length / rowCount];
      const buffer = buffers.write(values);
      // One buffer under two names: its floats for arithmetic, its integers for their bits.
      const view = (dtype: 'float32' | 'int32'): Tensor =>
        tf.tensor({ buffer, zeroCopy: true }, shape, dtype);
      const bits = view('int32');
      const program = createClassProgram(shape, webgpuUtil);
      const classes = backend.runWebGPUProgram(program, [bits], 'float32');
      return {
        values: view('float32'),
        classes: tf.engine().makeTensorFromTensorInfo(classes),
      };
    },
    watch: () => watchFaults(gpuDevice),
    releaseUploads: () => buffers.release(),
    deviceBytes: () => backend.memory().numBytesAllocatedInGPU + buffers.sizeBytes,
    dispose() {
      tf.removeBackend('webgpu');
      buffers.dispose();
      gpuDevice.destroy();
      // Node does not end while Dawn is reachable.
      Reflect.deleteProperty(globalThis, 'navigator');
    },
  };
}
