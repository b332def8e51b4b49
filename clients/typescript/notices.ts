export interface ClientLogger {
  info(message: string): void;
  warn(message: string): void;
}

/** Says each kind of thing once; the counts say how often it happened. Never throws. */
export class Notices {
  private readonly said = new Set<string>();

  constructor(private readonly logger: ClientLogger) {}

  warn(kind: string, message: string): void {
    this.sayOnce(kind, message, () => this.logger.warn(message));
  }

  info(kind: string, message: string): void {
    this.sayOnce(kind, message, () => this.logger.info(message));
  }

  /** The next of this kind is said again. */
  forget(kind: string): void {
    this.said.delete(kind);
  }

  private sayOnce(kind: string, message: string, log: () => void): void {
    if (this.said.has(kind)) return;
    this.said.add(kind);
    try {
      log();
    } catch (error) {
      // A logger that throws must not reach the training loop; standard error is what is left.
      process.stderr.write(`spikescope: ${message} (the logger threw: ${String(error)})\n`);
    }
  }
}
