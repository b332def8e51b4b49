/** What a thread says of itself, whatever its work is. */
export type LogLevel = 'info' | 'warn' | 'error';

export interface LogReply {
  readonly kind: 'log';
  readonly level: LogLevel;
  readonly fields: object;
  readonly message: string;
}

/** Said once, when it has found its work. */
export interface ReadyReply {
  readonly kind: 'ready';
}

/** A line for the worker's logger. */
export function toLogReply(level: LogLevel, fields: object, message: string): LogReply {
  return { kind: 'log', level, fields: toPlain(fields), message };
}

/** What a message may carry: errors lose their prototype on the way. */
function toPlain(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]: [string, unknown]) => [
      name,
      value instanceof Error ? { message: value.message, stack: value.stack } : value,
    ]),
  );
}
