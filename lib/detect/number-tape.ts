/**
 * A row of float64 numbers written and read in the same order: the form in which small
 * irregular state survives exactly, NaN and infinities included, which JSON does not hold.
 */
export class TapeWriter {
  readonly #numbers: number[] = [];

  number(value: number): void {
    this.#numbers.push(value);
  }

  boolean(value: boolean): void {
    this.#numbers.push(value ? 1 : 0);
  }

  /** A presence flag, then the value. */
  optional<Value>(value: Value | null, write: (value: Value) => void): void {
    this.boolean(value !== null);
    if (value !== null) write(value);
  }

  list<Item>(items: readonly Item[], write: (item: Item) => void): void {
    this.number(items.length);
    for (const item of items) write(item);
  }

  numbers(values: readonly number[]): void {
    this.list(values, (value) => {
      this.number(value);
    });
  }

  choice<Choice>(choices: readonly Choice[], value: Choice): void {
    this.number(choices.indexOf(value));
  }

  finish(): Float64Array<ArrayBuffer> {
    return Float64Array.from(this.#numbers);
  }
}

/** Reads what a TapeWriter wrote; RangeError where the tape holds something else. */
export class TapeReader {
  readonly #numbers: Float64Array;
  #position = 0;

  constructor(numbers: Float64Array) {
    this.#numbers = numbers;
  }

  number = (): number => {
    const value = this.#numbers[this.#position++];
    if (value === undefined) throw new RangeError('the state ends early');
    return value;
  };

  boolean(): boolean {
    return this.number() !== 0;
  }

  optional<Value>(read: () => Value): Value | null {
    return this.boolean() ? read() : null;
  }

  list<Item>(read: () => Item): Item[] {
    const length = this.number();
    if (!Number.isInteger(length) || length < 0 || length > this.#numbers.length) {
      throw new RangeError(`expected the length of a list, got ${length}`);
    }
    return Array.from({ length }, read);
  }

  numbers(): number[] {
    return this.list(this.number);
  }

  choice<Choice>(choices: readonly Choice[]): Choice {
    const index = this.number();
    const value = choices[index];
    if (value === undefined)
      throw new RangeError(`expected one of ${choices.length}, got ${index}`);
    return value;
  }

  /** Throws RangeError when numbers are left over. */
  finish(): void {
    if (this.#position !== this.#numbers.length) {
      throw new RangeError(`${this.#numbers.length - this.#position} numbers are left over`);
    }
  }
}
