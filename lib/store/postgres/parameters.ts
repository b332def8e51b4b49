import type { Segment } from '../runs/trajectory';
import { integerText } from './integer-text';

type ArrayType = 'smallint' | 'int' | 'bigint';

/**
 * The parameters of one statement, in PostgreSQL's text form. Each method takes a value and
 * returns what stands for it in the SQL, so that the text is the same whatever the values.
 */
export class Parameters {
  readonly values: string[] = [];

  uuid(key: string): string {
    return `${this.#add(key)}::uuid`;
  }

  text(value: string): string {
    return `${this.#add(value)}::text`;
  }

  /** Of words without a comma, quote, brace or space. */
  texts(words: readonly string[]): string {
    return `${this.#add(`{${words.join(',')}}`)}::text[]`;
  }

  uuids(keys: Iterable<string>): string {
    return `${this.#add(`{${[...keys].join(',')}}`)}::uuid[]`;
  }

  /** Throws TypeError on what is no safe integer. */
  integer(type: ArrayType, value: number): string {
    return `${this.#add(integerText(value))}::${type}`;
  }

  integers(type: ArrayType, values: Iterable<number>): string {
    return `${this.#add(`{${Array.from(values, integerText).join(',')}}`)}::${type}[]`;
  }

  /** A relation `segment (attempt, from_step, to_step)`, to be joined laterally with `inSegment`. */
  segments(segments: readonly Segment[]): string {
    const attempts = this.integers(
      'int',
      segments.map(({ attempt }) => attempt),
    );
    const fromSteps = this.integers(
      'bigint',
      segments.map(({ fromStep }) => fromStep),
    );
    const toSteps = this.integers(
      'bigint',
      segments.map(({ toStep }) => toStep),
    );
    return `unnest(${attempts}, ${fromSteps}, ${toSteps}) AS segment (attempt, from_step, to_step)`;
  }

  #add(value: string): string {
    return `$${this.values.push(value)}`;
  }
}

/** Rows of the segment at hand, as a range of the primary key; `run` as `Parameters` gave it. */
export function inSegment(run: string): string {
  return `run = ${run} AND attempt = segment.attempt AND step BETWEEN segment.from_step AND segment.to_step`;
}
