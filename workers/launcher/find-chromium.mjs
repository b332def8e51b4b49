import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
const MAC_APPLICATIONS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Absent, or not ours to run: the next candidate then.
    return false;
  }
}

/**
 * The browser for the end-to-end tests: `CHROMIUM_PATH`, or the first one found; null where
 * there is none.
 *
 * @param {Record<string, string | undefined>} environment
 * @returns {string | null}
 */
export function findChromium(environment = process.env) {
  const { CHROMIUM_PATH: chosen, PATH: path = '' } = environment;
  if (chosen) return isExecutable(chosen) ? chosen : null;
  const onPath = NAMES.flatMap((name) => path.split(delimiter).map((dir) => join(dir, name)));
  return [...onPath, ...MAC_APPLICATIONS].find((path) => isExecutable(path)) ?? null;
}
