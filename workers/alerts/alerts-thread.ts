/** The thread that folds alert rules and sends messages, with connections of its own. */
import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { openDatabase } from '../../lib/store/database';
import { createDelivery } from './deliver/delivery';
import { createMessageSender } from './deliver/message-sender';
import { serveAlerts } from './serve-alerts';

const dataSchema = z.object({
  databaseUrl: z.string(),
  settings: z.object({
    publicUrl: z.string(),
    allowedHosts: z.array(z.string()),
    mail: z.object({ smtpUrl: z.string(), from: z.string() }).nullable(),
  }),
});
const { databaseUrl, settings } = dataSchema.parse(workerData);
if (parentPort === null) throw new Error('expected to be a thread');

/** Two for turns, which read steps and findings at once, and one for messages. */
const MAX_CONNECTIONS = 3;

await serveAlerts(parentPort, (logger) => {
  const db = openDatabase({ url: databaseUrl, maxConnections: MAX_CONNECTIONS, logger });
  const now = () => new Date();
  const sender = createMessageSender({ settings, now });
  const delivery = createDelivery({ db, sender, logger, now, random: Math.random });
  return { db, delivery };
});
