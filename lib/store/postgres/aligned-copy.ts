/** A block of 16,000 layers; what a larger one needed is given back. */
const KEPT_BYTES = 4 * 1024 * 1024;
/** Readers of packed rows look two words ahead. */
const SPARE_BYTES = 8;

/**
 * One buffer into which binary columns are copied, one after the other, so that they lie
 * aligned: those of a large read would otherwise be collected for longer than they are read.
 */
export class AlignedCopy {
  #buffer = new ArrayBuffer(0);

  /** Valid until the next one is copied. */
  float32(bytes: Uint8Array): Float32Array {
    return new Float32Array(this.#take(bytes), 0, bytes.length / 4);
  }

  /** The bytes themselves, from an aligned address on, with more behind them. */
  bytes(bytes: Uint8Array): Uint8Array {
    return new Uint8Array(this.#take(bytes), 0, bytes.length);
  }

  uint32(bytes: Uint8Array): Uint32Array {
    return new Uint32Array(this.#take(bytes), 0, bytes.length / 4);
  }

  /** Room for floats, whatever it holds. */
  floats(length: number): Float32Array {
    return new Float32Array(this.#reserve(length * 4), 0, length);
  }

  #take(bytes: Uint8Array): ArrayBuffer {
    const buffer = this.#reserve(bytes.length + SPARE_BYTES);
    new Uint8Array(buffer).set(bytes);
    return buffer;
  }

  #reserve(byteLength: number): ArrayBuffer {
    const held = this.#buffer.byteLength;
    const isMuchTooLarge = held > KEPT_BYTES && byteLength <= KEPT_BYTES;
    if (held < byteLength || isMuchTooLarge) this.#buffer = new ArrayBuffer(byteLength);
    return this.#buffer;
  }
}
