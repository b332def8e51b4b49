import { ensurePrepared, runMain } from './prepare.mjs';
import { closingLine, runVitest, sumCounts } from './run-vitest.mjs';
import { runStaticChecks } from './static-checks.mjs';

/** `npm run check`: format, lint, types, architecture and unit tests. */
await runMain(async () => {
  await ensurePrepared({ needsDevTools: true });
  const total = sumCounts([...(await runStaticChecks()), await runVitest('unit')]);
  process.stdout.write(`\n${closingLine(total)}\n`);
  return total.failed > 0 ? 1 : 0;
});
