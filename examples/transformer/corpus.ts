import { seededRandom } from './seeded-random';

/** A text as character numbers. */
export interface Corpus {
  readonly characters: readonly string[];
  readonly tokens: Int32Array;
}

export interface TokenBatch {
  /** [B · T] */
  readonly inputs: Int32Array;
  /** [B · T] the character that follows each input. */
  readonly targets: Int32Array;
}

/** Numbers the characters of a text in code point order. */
export function parseCorpus(text: string): Corpus {
  const letters = Array.from(text);
  const characters = Array.from(new Set(letters)).sort();
  const numberOf = new Map(characters.map((character, index) => [character, index]));
  return {
    characters,
    tokens: Int32Array.from(letters, (character) => numberOf.get(character) ?? 0),
  };
}

export interface BatchShape {
  readonly batchSize: number;
  readonly contextLength: number;
}

/**
 * The batch of one step: windows at random places that depend on seed and index alone,
 * so that a resumed run reads what the first would have read.
 *
 * Throws  RangeError when the text is not longer than one window
 */
export function drawBatch(
  { tokens }: Corpus,
  { batchSize, contextLength }: BatchShape,
  seed: number,
  index: number,
): TokenBatch {
  const places = tokens.length - contextLength;
  if (places < 1) {
    throw new RangeError(`expected a text of more than ${contextLength} characters`);
  }
  // An odd multiplier spreads neighbouring indexes over the generator's whole period.
  const random = seededRandom(seed + Math.imul(index + 1, 0x9e3779b1));
  const inputs = new Int32Array(batchSize * contextLength);
  const targets = new Int32Array(batchSize * contextLength);
  for (let row = 0; row < batchSize; row++) {
    const start = Math.floor(random() * places);
    inputs.set(tokens.subarray(start, start + contextLength), row * contextLength);
    targets.set(tokens.subarray(start + 1, start + 1 + contextLength), row * contextLength);
  }
  return { inputs, targets };
}
