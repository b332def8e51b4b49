/**
 * tfjs's WebGPU backend on Dawn, in Node. Dawn is a browser's implementation without a
 * browser: `navigator.gpu` and the GPU classes are made here, as tfjs looks for them.
 */
import { createKernelSamples } from './kernel-samples';
import { isSoftwareAdapter } from './software-adapter';
import type { TensorDevice } from './tensor-library';
import { watchFaults } from './watch-faults';

/** Throws Error where there is no driver, no adapter or no device. */
export async function loadWebgpu(): Promise<TensorDevice> {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const gpu = create([]);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) throw new Error('no graphics adapter with a Vulkan, Metal or D3D12 driver');
  // Before `navigator.gpu` is there, or tfjs would register a backend on an adapter of its own.
  const tf = await import('@tensorflow/tfjs-core');
  const { WebGPUBackend } = await import('@tensorflow/tfjs-backend-webgpu');
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

  return {
    tf,
    name: 'webgpu',
    device: [info.vendor, info.architecture, info.description].filter(Boolean).join(' '),
    isSoftware: isSoftwareAdapter(info),
    samples: { kind: 'program', program: createKernelSamples(gpuDevice) },
    watch: () => watchFaults(gpuDevice),
    deviceBytes: () => backend.memory().numBytesAllocatedInGPU,
    dispose() {
      tf.removeBackend('webgpu');
      gpuDevice.destroy();
      // Node does not end while Dawn is reachable.
      Reflect.deleteProperty(globalThis, 'navigator');
    },
  };
}
