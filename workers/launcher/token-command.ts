import { parseArgs } from 'node:util';
import { projectNameSchema } from '../../lib/contract/identifiers';
import type { Database } from '../../lib/store/database';
import {
  createToken,
  listTokens,
  revokeToken,
  tokenScopeSchema,
  type Token,
  type TokenScope,
} from '../../lib/store/tokens';
import { UsageError } from './tools/usage-error';

export type TokenCommand =
  | {
      readonly kind: 'create';
      readonly project: string;
      readonly scope: TokenScope;
      readonly name: string;
    }
  | { readonly kind: 'list'; readonly project: string | null }
  | { readonly kind: 'revoke'; readonly id: string };

/** Arguments that make no command; the message says what is wrong and how it goes. */
export class TokenUsageError extends UsageError {
  override readonly name = 'TokenUsageError';

  constructor(problem: string) {
    super(`${problem}\n\n${USAGE}`);
  }
}

const USAGE = `Usage:
  npm run token -- create --project NAME --scope ingest|read|admin [--name TEXT]
  npm run token -- list [--project NAME]
  npm run token -- revoke ID

Scopes: ingest posts runs and frames, read opens pages and the API, admin does both and deletes.`;

/** Throws TokenUsageError. */
export function parseTokenCommand(args: readonly string[]): TokenCommand {
  const { values, positionals } = parseArguments(args);
  const [verb, id, ...tooMany] = positionals;
  if (tooMany.length > 0) throw new TokenUsageError(`"${tooMany[0] ?? ''}" is one word too many.`);
  switch (verb) {
    case 'create':
      return {
        kind: 'create',
        project: parseProject(values.project),
        scope: parseScope(values.scope),
        name: values.name ?? '',
      };
    case 'list':
      return {
        kind: 'list',
        project: values.project === undefined ? null : parseProject(values.project),
      };
    case 'revoke':
      if (id === undefined) throw new TokenUsageError('Which token? "list" shows their ids.');
      return { kind: 'revoke', id };
    default:
      throw new TokenUsageError(
        verb === undefined ? 'Create, list or revoke?' : `"${verb}" is no command.`,
      );
  }
}

function parseArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        project: { type: 'string' },
        scope: { type: 'string' },
        name: { type: 'string' },
      },
    });
  } catch (error) {
    throw new TokenUsageError(error instanceof Error ? error.message : String(error));
  }
}

function parseProject(text: string | undefined): string {
  if (text === undefined) throw new TokenUsageError('--project is missing.');
  const project = projectNameSchema.safeParse(text);
  if (project.success) return project.data;
  throw new TokenUsageError(`--project: ${project.error.issues[0]?.message ?? 'is no name'}`);
}

function parseScope(text: string | undefined): TokenScope {
  const scope = tokenScopeSchema.safeParse(text);
  if (scope.success) return scope.data;
  throw new TokenUsageError(
    text === undefined ? '--scope is missing.' : `--scope: "${text}" is none of them.`,
  );
}

export interface TokenCommandContext {
  readonly db: Database;
  readonly now: () => Date;
  /** The token itself goes here alone, so that `TOKEN=$(npm run --silent token …)` works. */
  readonly print: (line: string) => void;
  readonly explain: (line: string) => void;
}

/** Carries the command out. Returns the exit code. */
export async function runTokenCommand(
  command: TokenCommand,
  { db, now, print, explain }: TokenCommandContext,
): Promise<number> {
  switch (command.kind) {
    case 'create': {
      const token = await createToken(db, command, now());
      explain(`Token ${token.id} for project "${token.project}", scope ${token.scope}.`);
      explain('It is shown this once; only its hash is stored.');
      print(token.plaintext);
      return 0;
    }
    case 'list': {
      const tokens = await listTokens(db, command.project ?? undefined);
      if (tokens.length === 0) explain('No tokens yet.');
      for (const line of formatTokens(tokens)) print(line);
      return 0;
    }
    case 'revoke': {
      const isKnown = await revokeToken(db, command.id, now());
      explain(isKnown ? `Token ${command.id} is revoked.` : `There is no token ${command.id}.`);
      return isKnown ? 0 : 1;
    }
  }
}

function formatTokens(tokens: readonly Token[]): string[] {
  const rows = tokens.map(({ id, project, scope, name, createdAt, revokedAt }) => [
    id,
    project,
    scope,
    createdAt.toISOString().slice(0, 10),
    revokedAt === null ? 'valid' : `revoked ${revokedAt.toISOString().slice(0, 10)}`,
    name,
  ]);
  const table = [['id', 'project', 'scope', 'created', 'state', 'name'], ...rows];
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((row) => (row[column] ?? '').length)),
  );
  if (rows.length === 0) return [];
  return table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
