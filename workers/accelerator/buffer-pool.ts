/** Device buffers for uploads, written again and again: allocating them costs more than filling them. */
export class BufferPool {
  private readonly free: GPUBuffer[] = [];
  private readonly inUse: GPUBuffer[] = [];

  constructor(private readonly device: GPUDevice) {}

  get sizeBytes(): number {
    return [...this.free, ...this.inUse].reduce((sum, { size }) => sum + size, 0);
  }

  /** A buffer that holds these values and is at most twice as large. */
  write(values: Float32Array): GPUBuffer {
    const buffer = this.take(values.byteLength);
    this.device.queue.writeBuffer(buffer, 0, values);
    return buffer;
  }

  private take(sizeBytes: number): GPUBuffer {
    const index = this.free.findIndex(({ size }) => size >= sizeBytes && size <= 2 * sizeBytes);
    const [found] = index < 0 ? [] : this.free.splice(index, 1);
    const buffer = found ?? this.create(sizeBytes);
    this.inUse.push(buffer);
    return buffer;
  }

  private create(size: number): GPUBuffer {
    // tfjs takes a buffer as a tensor's only if it may be copied from.
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
    return this.device.createBuffer({ size, usage: STORAGE | COPY_SRC | COPY_DST });
  }

  /** The device has read all that was written; buffers of the batch before last are given up. */
  release(): void {
    for (const buffer of this.free.splice(0)) buffer.destroy();
    this.free.push(...this.inUse.splice(0));
  }

  dispose(): void {
    for (const buffer of [...this.free.splice(0), ...this.inUse.splice(0)]) buffer.destroy();
  }
}
