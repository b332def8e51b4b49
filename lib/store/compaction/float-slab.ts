/**
 * One buffer for the values of many rows, kept from one unit of work to the next: megabytes
 * allocated for each unit would cost more to collect than to transpose.
 */
export class FloatSlab {
  #words = new Uint32Array(0);
  #length = 0;

  /** The values as bits. Gone after the next `add` or `reserve`: take it again. */
  get words(): Uint32Array {
    return this.#words;
  }

  /** Forgets what it holds and makes room; what a rare large unit needed is given back. */
  clear(byteLength: number): void {
    this.#length = 0;
    const words = Math.ceil(byteLength / 4);
    const isMuchTooLarge = this.#words.byteLength > KEPT_BYTES && words * 4 < KEPT_BYTES;
    if (words > this.#words.length || isMuchTooLarge) this.#words = new Uint32Array(words);
  }

  /** Appends float32 values and returns the index of the first. */
  add(bytes: Uint8Array): number {
    const start = this.reserve(bytes.length / 4);
    new Uint8Array(this.#words.buffer).set(bytes, start * 4);
    return start;
  }

  /** `length` values from `start` on; what is added later does not move them. */
  floats(start: number, length: number): Float32Array {
    return new Float32Array(this.#words.buffer, start * 4, length);
  }

  /** Appends `length` values that the caller writes. */
  reserve(length: number): number {
    const start = this.#length;
    this.#length += length;
    if (this.#length > this.#words.length) {
      const grown = new Uint32Array(Math.max(this.#length, this.#words.length * 2));
      grown.set(this.#words.subarray(0, start));
      this.#words = grown;
    }
    return start;
  }
}

/** 256 steps of 1,000 layers × 16 metrics. */
const KEPT_BYTES = 16 * 1024 * 1024;
