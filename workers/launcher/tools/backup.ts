/** `npm run backup -- FILE`: everything that is stored, as of one moment, while the product runs. */
import { BackupError } from '../../../lib/store/backup/backup-format';
import { writeBackup } from '../../../lib/store/backup/write-backup';
import { reachProduct, say, showProgress } from './reach-product';
import { runDatabaseTool } from './run-database-tool';

async function main(args: readonly string[]): Promise<number> {
  const [path, ...more] = args;
  if (path === undefined || path.startsWith('-') || more.length > 0) {
    say('Usage: npm run backup -- FILE');
    return 2;
  }
  const { database } = await reachProduct();
  try {
    const rows = await writeBackup({
      ...{ url: database.url, path, now: () => new Date() },
      onProgress: showProgress(),
    });
    const count = Object.values(rows).reduce((sum, of) => sum + of, 0);
    say(`\n${path}: ${rows['run'] ?? 0} runs, ${count} rows`);
    return 0;
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    say(`${error.message}.`);
    return 1;
  } finally {
    await database.stop();
  }
}

await runDatabaseTool(() => main(process.argv.slice(2)));
