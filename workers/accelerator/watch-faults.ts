const FILTERS = ['validation', 'out-of-memory', 'internal'] as const;

/**
 * Opens the device's error scopes; the function returned closes them and says what went
 * wrong between. WebGPU throws nothing: an operation that fails leaves zeros behind.
 */
export function watchFaults(device: GPUDevice): () => Promise<string | null> {
  for (const filter of FILTERS) device.pushErrorScope(filter);
  return async () => {
    const faults = await Promise.all(FILTERS.map(() => device.popErrorScope()));
    return faults.find((fault) => fault !== null)?.message ?? null;
  };
}
