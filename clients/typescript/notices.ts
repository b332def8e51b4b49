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

  /** What the server left out of a post or a query; each field once, whichever item of a list has it. */
  ignored(fields: readonly string[]): void {
    for (const field of fields) {
      const name = field.replace(/\.\d+\./g, '.');
      this.warn(
        `ignored ${name}`,
        `${field} is not known to the server, which left it out: misspelt, or of a newer version`,
      );
    }
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
