import { existsSync } from 'node:fs';

/** Where Linux shows a card: through its own drivers, NVIDIA's, or Windows' below. */
const LINUX_DEVICES = ['/dev/dri', '/dev/nvidiactl', '/dev/dxg'];

/**
 * Whether it is worth looking for a driver: most servers have no card, and there Dawn
 * would be loaded to say so, with a warning on the terminal. Elsewhere than on Linux there
 * is always one.
 */
export function hasGraphicsDevice(
  platform: string = process.platform,
  exists: (path: string) => boolean = existsSync,
): boolean {
  return platform !== 'linux' || LINUX_DEVICES.some((path) => exists(path));
}
