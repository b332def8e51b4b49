/** `npm run restore -- FILE [--replace]`: a database of a backup, while no product runs on it. */
import { BackupError } from '../../../lib/store/backup/backup-format';
import { restoreBackup } from '../../../lib/store/backup/restore-backup';
import { MIGRATIONS, reachProduct, say, showProgress } from './reach-product';
import { runDatabaseTool } from './run-database-tool';

async function main(args: readonly string[]): Promise<number> {
  const [path, ...more] = args.filter((arg) => arg !== '--replace');
  if (path === undefined || path.startsWith('-') || more.length > 0) {
    say('Usage: npm run restore -- FILE [--replace]');
    return 2;
  }
  const { database, isRunning } = await reachProduct();
  try {
    if (isRunning) {
      say('Spikescope runs on this data directory. Stop it first, then restore.');
      return 1;
    }
    const rows = await restoreBackup({
      ...{ url: database.url, path, migrations: MIGRATIONS },
      replaces: args.includes('--replace'),
      onProgress: showProgress(),
    });
    say(`\n${rows['run'] ?? 0} runs are back`);
    return 0;
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    say(`${error.message}. Nothing was changed.`);
    return 1;
  } finally {
    await database.stop();
  }
}

await runDatabaseTool(() => main(process.argv.slice(2)));
