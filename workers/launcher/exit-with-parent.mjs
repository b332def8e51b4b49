/**
 * Preloaded into every child (`node --import`). The channel to the parent closes when the
 * parent is gone, however it went; the child then drains as it does on any SIGTERM, and no
 * process is left behind to hold a port or a database.
 */
import { fileURLToPath } from 'node:url';

// What the child forks itself would inherit this preload, and lose the use of its own channel.
const position = process.execArgv.indexOf(fileURLToPath(import.meta.url));
if (position > 0) process.execArgv.splice(position - 1, 2);

if (process.channel !== undefined) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  // Listening alone would keep a child alive that has finished its work.
  process.channel.unref();
}
