/** What `npm run sql` does with its words: one read of the views, printed. */
import { parseArgs } from 'node:util';
import pg from 'pg';
import { SQL_READER } from '../../lib/store/migrations/sql-reader';
import { UsageError } from './tools/usage-error';

/** SQLSTATE of what a user may not do. */
const FORBIDDEN = '42501';
const FORMATS = ['table', 'csv', 'json'] as const;
type Format = (typeof FORMATS)[number];

export interface SqlCommand {
  readonly query: string;
  readonly format: Format;
  readonly timeoutSeconds: number;
}

export class SqlUsageError extends UsageError {}

const USAGE = `npm run sql -- [--format ${FORMATS.join('|')}] [--timeout SECONDS] "SELECT …"
The views are in docs/sql.md; nothing can be changed from here.`;

/** Throws SqlUsageError, saying what was expected. */
export function parseSqlCommand(args: readonly string[]): SqlCommand {
  const { values, positionals } = parseWords(args);
  const format = FORMATS.find((known) => known === values.format);
  const timeoutSeconds = Number(values.timeout);
  const [query, ...others] = positionals;
  if (format === undefined) throw new SqlUsageError(`--format: one of ${FORMATS.join(', ')}`);
  if (!(timeoutSeconds > 0)) throw new SqlUsageError('--timeout: a number of seconds above 0');
  if (query === undefined || others.length > 0) throw new SqlUsageError(USAGE);
  return { query, format, timeoutSeconds };
}

function parseWords(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        format: { type: 'string', default: 'table' },
        timeout: { type: 'string', default: '60' },
      },
    });
  } catch (error) {
    throw new SqlUsageError(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
}

interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/** An administrator who made the role may not have made us a member: then we ask as ourselves. */
async function becomeReader(client: pg.Client): Promise<void> {
  await client.query('SAVEPOINT reader');
  try {
    await client.query(`SET LOCAL ROLE ${SQL_READER}`);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== FORBIDDEN) throw error;
    await client.query('ROLLBACK TO SAVEPOINT reader');
  }
}

/**
 * Asks as the reader that the views are for, in a transaction that may not write. Where the
 * database has no such role, or not for us, the transaction alone holds.
 */
export async function runSqlCommand(client: pg.Client, command: SqlCommand): Promise<string> {
  await client.query('BEGIN READ ONLY');
  try {
    const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [
      SQL_READER,
    ]);
    if (rowCount !== 0) await becomeReader(client);
    await client.query(
      `SELECT set_config('search_path', 'spikescope', true), set_config('jit', 'off', true),
        set_config('statement_timeout', $1, true)`,
      [String(Math.ceil(command.timeoutSeconds * 1000))],
    );
    const { fields, rows } = await client.query<unknown[]>({
      text: command.query,
      rowMode: 'array',
    });
    return printAnswer({ columns: fields.map(({ name }) => name), rows }, command.format);
  } finally {
    await client.query('ROLLBACK');
  }
}

function toText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'string'
    ? value
    : typeof value === 'number'
      ? String(value)
      : JSON.stringify(value);
}

function toCsvField(value: unknown): string {
  const text = toText(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Non-finite numbers, which JSON has no word for, in the words that the API takes. */
function toJsonValue(value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

export function printAnswer({ columns, rows }: Answer, format: Format): string {
  switch (format) {
    case 'csv':
      return [columns, ...rows].map((row) => row.map(toCsvField).join(',')).join('\n');
    case 'json':
      return rows
        .map((row) =>
          JSON.stringify(
            Object.fromEntries(columns.map((name, index) => [name, toJsonValue(row[index])])),
          ),
        )
        .join('\n');
    case 'table':
      return printTable(columns, rows);
  }
}

function printTable(columns: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const lines = [columns, ...rows].map((row) => row.map(toText));
  const widths = columns.map((_, index) =>
    Math.max(...lines.map((line) => line[index]?.length ?? 0)),
  );
  const isNumeric = columns.map((_, index) =>
    rows.every((row) => /^$|^-?[\d.]+(e[+-]?\d+)?$|NaN|Infinity/i.test(toText(row[index]))),
  );
  const draw = (line: readonly string[]): string =>
    line
      .map((text, index) =>
        isNumeric[index] === true
          ? text.padStart(widths[index] ?? 0)
          : text.padEnd(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd();
  const count = `(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`;
  const [head = [], ...body] = lines;
  return [
    draw(head),
    widths.map((width) => '-'.repeat(width)).join('  '),
    ...body.map(draw),
    count,
  ].join('\n');
}
