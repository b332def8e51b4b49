import type { Logger } from 'pino';

/** Longer than any answer takes; after it the process ends with what is still open. */
const DEADLINE_MS = 10_000;

/**
 * Ends the process in order on SIGTERM, SIGINT, or when the parent that holds our IPC
 * channel is gone, so that no worker outlives a launcher that was killed.
 */
export function onShutdown(logger: Logger, close: () => Promise<void>): void {
  let isClosing = false;
  const shutDown = (reason: string): void => {
    if (isClosing) return;
    isClosing = true;
    logger.info({ reason }, 'shutting down');
    const deadline = setTimeout(() => {
      logger.error('not everything closed in time');
      process.exit(1);
    }, DEADLINE_MS);
    deadline.unref();
    close().then(
      () => {
        process.exit(0);
      },
      (error: unknown) => {
        logger.error({ err: error }, 'shutdown failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', () => {
    shutDown('SIGTERM');
  });
  process.on('SIGINT', () => {
    shutDown('SIGINT');
  });
  process.on('disconnect', () => {
    shutDown('parent gone');
  });
}
