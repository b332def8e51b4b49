/** Layers whose names a person's regular expression finds. */
import { runInNewContext } from 'node:vm';

/** A sane expression takes microseconds over a thousand names; one that backtracks for ever ends here. */
const TIMEOUT_MS = 250;

/**
 * [L] 1 where the name matches; all where there is no expression, none where it takes longer
 * than a quarter of a second, which `onFailure` is told.
 */
export function matchLayers(
  pattern: string | undefined,
  names: readonly string[],
  onFailure: (error: unknown) => void,
): Uint8Array {
  if (pattern === undefined) return new Uint8Array(names.length).fill(1);
  try {
    const matched: unknown = runInNewContext(
      `names.map((name) => new RegExp(pattern, 'u').test(name) ? '1' : '0').join('')`,
      { names: [...names], pattern },
      { timeout: TIMEOUT_MS },
    );
    return Uint8Array.from(String(matched), Number);
  } catch (error) {
    onFailure(error);
    return new Uint8Array(names.length);
  }
}
