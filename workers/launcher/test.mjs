import { findChromium } from './find-chromium.mjs';
import { ensurePrepared, runMain } from './prepare.mjs';
import { runPytest } from './run-pytest.mjs';
import { closingLine, runVitest, sumCounts } from './run-vitest.mjs';
import { countWork, runStaticChecks } from './static-checks.mjs';

/**
 * `npm test`: all that `npm run check` looks at, the build, the tests on a real database
 * and, where there is a browser, the built product end to end; and the Python client,
 * where there is what it needs.
 */
const isContinuousIntegration = process.env.CI === 'true' || process.env.CI === '1';

if (process.argv.includes('--long')) process.env.SPIKESCOPE_LONG_TESTS = '1';
/** The pictures of the screens are taken anew instead of compared: look at them before they are kept. */
if (process.argv.includes('--update-pictures')) process.env.SPIKESCOPE_UPDATE_PICTURES = '1';

const ONE_FAILED = { passed: 0, failed: 1, skipped: 0 };
const NONE = { passed: 0, failed: 0, skipped: 0 };

async function runEndToEnd() {
  const chromium = findChromium();
  if (chromium !== null) {
    return runVitest('e2e', { environment: { ...process.env, CHROMIUM_PATH: chromium } });
  }
  process.stdout.write(
    '\nNo Chromium was found, so the end-to-end tests do not run. Install Chromium or Google Chrome' +
      ' (Debian: apt-get install chromium), or set CHROMIUM_PATH to the browser.\n',
  );
  return isContinuousIntegration ? ONE_FAILED : NONE;
}

await runMain(async () => {
  const counts = [await countWork(() => ensurePrepared({ needsDevTools: true }))];
  const isPrepared = counts[0].failed === 0;
  if (isPrepared) {
    counts.push(...(await runStaticChecks()));
    for (const project of ['unit', 'database']) counts.push(await runVitest(project));
    const build = await countWork(() => ensurePrepared({ needsBuild: true }));
    counts.push(build, build.failed === 0 ? await runEndToEnd() : NONE);
    if (build.failed === 0) counts.push(...(await runPytest({ isContinuousIntegration })));
  }
  const total = sumCounts(counts);
  process.stdout.write(`\n${closingLine(total)}\n`);
  return total.failed > 0 ? 1 : 0;
});
