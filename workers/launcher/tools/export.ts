/** `npm run export`: what is stored of a run as a file; see docs/wire-format.md, Export. */
import { EXPORT_USAGE, parseExportOptions } from './export-run/export-options';
import { ExportRefused, exportRun } from './export-run/export-run';
import { describeLosses } from './export-run/describe-losses';
import { UsageError } from './usage-error';

const RETRY_DELAY_MS = 2_000;

async function main(): Promise<number> {
  const options = parseExportOptions(process.argv.slice(2), process.env);
  if (options === 'help') {
    console.log(EXPORT_USAGE);
    return 0;
  }
  const isTerminal = process.stderr.isTTY;
  const exported = await exportRun(options, {
    fetch,
    retryDelayMs: RETRY_DELAY_MS,
    show: (text) => {
      if (isTerminal) process.stderr.write(`\r\x1b[K${text}`);
    },
  });
  if (isTerminal) process.stderr.write('\n');
  for (const file of exported.files) console.log(file);
  // Beside the names of the files, which a script reads.
  for (const line of describeLosses(exported)) console.error(line);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  const isExpected =
    error instanceof ExportRefused ||
    error instanceof UsageError ||
    (error instanceof Error && ('code' in error || error.cause !== undefined));
  if (!isExpected) throw error;
  console.error(error.message);
  if (error instanceof UsageError) console.error(`\n${EXPORT_USAGE}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
