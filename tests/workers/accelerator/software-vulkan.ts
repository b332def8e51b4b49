import { it } from 'vitest';
import { findSwiftShader, useSwiftShader } from './find-swift-shader';

const IS_CONTINUOUS_INTEGRATION = process.env['CI'] === 'true' || process.env['CI'] === '1';

/**
 * `it` for tests on the software device. Without one they are skipped with a sentence; on
 * continuous integration that is a failure.
 */
export function itOnSwiftShader(
  title: string,
  test: () => Promise<void>,
  timeoutMs?: number,
): void {
  const folder = findSwiftShader();
  if (folder !== null) {
    it(
      title,
      () => {
        useSwiftShader(folder);
        return test();
      },
      timeoutMs,
    );
    return;
  }
  const reason =
    'needs SwiftShader, which Debian’s chromium package carries (apt-get install chromium)';
  if (IS_CONTINUOUS_INTEGRATION) {
    it(title, () => {
      throw new Error(`this test ${reason}`);
    });
  } else it.skip(`${title}: ${reason}`, () => undefined);
}
