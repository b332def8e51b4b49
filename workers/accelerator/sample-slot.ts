/**
 * The buffers that one part of a frame goes through:
 *
 *   staging ─▶ samples ─▶ (program) ─▶ answer ─▶ readback
 *
 * Staging is mapped: samples are copied once, into memory that the card reads by itself.
 * `queue.writeBuffer` would allocate such memory for each large write.
 */
export interface SlotSizes {
  readonly sampleBytes: number;
  readonly answerBytes: number;
}

export interface SlotBuffers {
  readonly parameters: GPUBuffer;
  readonly samples: GPUBuffer;
  readonly answer: GPUBuffer;
}

export class SampleSlot {
  /** For the bind group. */
  readonly buffers: SlotBuffers;
  private readonly staging: GPUBuffer;
  private readonly readback: GPUBuffer;
  private readonly sizes: SlotSizes;
  private isStagingMapped: Promise<unknown> = Promise.resolve();
  private isRead: Promise<unknown> | null = null;
  private hasAnswer = false;

  constructor(
    private readonly device: GPUDevice,
    needed: SlotSizes,
    parameterBytes: number,
  ) {
    const { STORAGE, COPY_SRC, COPY_DST, MAP_WRITE, MAP_READ, UNIFORM } = GPUBufferUsage;
    const sizes = {
      sampleBytes: powerOfTwo(needed.sampleBytes),
      answerBytes: powerOfTwo(needed.answerBytes),
    };
    const { sampleBytes, answerBytes } = sizes;
    this.sizes = sizes;
    this.staging = device.createBuffer({
      size: sampleBytes,
      usage: MAP_WRITE | COPY_SRC,
      mappedAtCreation: true,
    });
    this.buffers = {
      parameters: device.createBuffer({ size: parameterBytes, usage: UNIFORM | COPY_DST }),
      samples: device.createBuffer({ size: sampleBytes, usage: STORAGE | COPY_DST }),
      answer: device.createBuffer({ size: answerBytes, usage: STORAGE | COPY_SRC }),
    };
    this.readback = device.createBuffer({ size: answerBytes, usage: MAP_READ | COPY_DST });
  }

  get sizeBytes(): number {
    return 2 * (this.sizes.sampleBytes + this.sizes.answerBytes);
  }

  fits({ sampleBytes, answerBytes }: SlotSizes): boolean {
    return sampleBytes <= this.sizes.sampleBytes && answerBytes <= this.sizes.answerBytes;
  }

  /** Memory for the samples; what was sent before has been read by the device. */
  async open(sampleBytes: number): Promise<Float32Array> {
    await this.isStagingMapped;
    return new Float32Array(this.staging.getMappedRange(0, sampleBytes));
  }

  /** Sends what was written, has `encode` put the work between the copies, and asks for the answer. */
  send(
    { sampleBytes, answerBytes }: SlotSizes,
    encode: (encoder: GPUCommandEncoder) => void,
  ): void {
    this.staging.unmap();
    const encoder = this.device.createCommandEncoder();
    encoder.copyBufferToBuffer(this.staging, 0, this.buffers.samples, 0, sampleBytes);
    encode(encoder);
    encoder.copyBufferToBuffer(this.buffers.answer, 0, this.readback, 0, answerBytes);
    this.device.queue.submit([encoder.finish()]);
    this.isStagingMapped = this.staging.mapAsync(GPUMapMode.WRITE);
    this.isRead = this.readback.mapAsync(GPUMapMode.READ, 0, answerBytes);
    // Awaited by whoever needs them; a device that is lost first rejects them unheard.
    for (const promise of [this.isStagingMapped, this.isRead]) promise.catch(() => undefined);
  }

  /** The answer, until `close`. */
  async read(answerBytes: number): Promise<ArrayBuffer> {
    await this.isRead;
    this.hasAnswer = true;
    return this.readback.getMappedRange(0, answerBytes);
  }

  /** Whether the slot may be used again: not where its answer never came. */
  close(): boolean {
    if (!this.hasAnswer) return false;
    this.hasAnswer = false;
    this.readback.unmap();
    return true;
  }

  destroy(): void {
    const { parameters, samples, answer } = this.buffers;
    for (const buffer of [this.staging, parameters, samples, answer, this.readback]) {
      buffer.destroy();
    }
  }
}

function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(atLeast));
}
