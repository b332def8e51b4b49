import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { inRoot } from './paths.mjs';
import { ensurePrepared, runMain } from './prepare.mjs';
import { PreparationError } from './progress.mjs';

const [name = '', ...args] = process.argv.slice(2);

await runMain(async () => {
  const tool = inRoot('workers', 'launcher', 'tools', `${name}.ts`);
  if (!/^[a-z-]+$/.test(name) || !existsSync(tool)) {
    throw new PreparationError(`There is no tool named "${name}".`);
  }
  await ensurePrepared();
  return runSource(tool, args);
});

function runSource(file, fileArgs) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', file, ...fileArgs], {
      cwd: inRoot(),
      stdio: 'inherit',
    });
    // A terminal sends Ctrl-C to both; the tool decides when it has cleaned up.
    process.removeAllListeners('SIGINT').on('SIGINT', () => {});
    process.removeAllListeners('SIGTERM').on('SIGTERM', () => child.kill('SIGTERM'));
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(signal === null ? code : 1));
  });
}
