/** The thread that compacts, with a connection of its own; started with CompactionThreadData. */
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { createCompactor } from '../../lib/store/compaction/compactor';
import { serveCompaction } from './serve-compaction';

const dataSchema = z.object({ databaseUrl: z.string() });
const { databaseUrl } = dataSchema.parse(workerData);
if (parentPort === null) throw new Error('expected to be a thread');

await serveCompaction(parentPort, (log) =>
  createCompactor({
    url: databaseUrl,
    logger: {
      info: (fields, message) => {
        log('info', fields, message);
      },
      warn: (fields, message) => {
        log('warn', fields, message);
      },
      error: (fields, message) => {
        log('error', fields, message);
      },
    },
  }),
).closed;
