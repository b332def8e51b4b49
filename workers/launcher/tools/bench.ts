/** `npm run bench -- NAME [options]`: runs one of the measurements in bench/; without a name it lists them. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const BENCH_DIR = fileURLToPath(new URL('../../../bench/', import.meta.url));

const [name, ...rest] = process.argv.slice(2);
const file = name === undefined ? null : join(BENCH_DIR, `${basename(name)}.ts`);

if (file !== null && existsSync(file)) {
  // As if the measurement had been started itself.
  process.argv.splice(1, process.argv.length - 1, file, ...rest);
  await import(pathToFileURL(file).href);
} else {
  const names = readdirSync(BENCH_DIR)
    .filter((entry) => entry.endsWith('.ts'))
    .map((entry) => `  npm run bench -- ${basename(entry, '.ts')}`);
  const problem = name === undefined ? '' : `There is no measurement named "${name}".\n`;
  process.stderr.write(`${problem}Measurements:\n${names.join('\n')}\n`);
  process.exitCode = 1;
}
