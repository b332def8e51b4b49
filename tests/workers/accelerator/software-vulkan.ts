import { it } from 'vitest';
import { findSwiftShader, useSwiftShader } from './find-swift-shader';

const IS_CONTINUOUS_INTEGRATION = process.env['CI'] === 'true' || process.env['CI'] === '1';

/** What this file needs of Vitest's `it`. */
export interface TestRegistry {
  (title: string, test: () => Promise<void> | void, timeoutMs?: number): void;
  readonly skip: (title: string, test: () => void) => void;
}

export interface SoftwareDevice {
  /** Of SwiftShader; null where there is none. */
  readonly folder: string | null;
  readonly isContinuousIntegration: boolean;
}

/**
 * `it` for tests on the software device. Without one they are skipped with a sentence; on
 * continuous integration that is a failure.
 */
export function itOnSwiftShader(
  title: string,
  test: () => Promise<void>,
  timeoutMs?: number,
): void {
  const device = {
    folder: findSwiftShader(),
    isContinuousIntegration: IS_CONTINUOUS_INTEGRATION,
  };
  registerOnSwiftShader(it, device, title, test, timeoutMs);
}

export function registerOnSwiftShader(
  registry: TestRegistry,
  { folder, isContinuousIntegration }: SoftwareDevice,
  title: string,
  test: () => Promise<void>,
  timeoutMs?: number,
): void {
  if (folder !== null) {
    registry(
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
  if (isContinuousIntegration) {
    registry(title, () => {
      throw new Error(`this test ${reason}`);
    });
  } else registry.skip(`${title}: ${reason}`, () => undefined);
}
