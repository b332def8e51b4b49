/**
 * Tokens of training jobs and people: `sps_<id>_<secret>`. The secret is 256 random bits,
 * so one unsalted SHA-256 of it can be neither searched nor looked up in a table.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Database } from './database';

export const tokenScopeSchema = z.enum(['ingest', 'read', 'admin']);
export type TokenScope = z.infer<typeof tokenScopeSchema>;

export interface Token {
  readonly id: string;
  readonly name: string;
  readonly project: string;
  readonly scope: TokenScope;
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

export interface TokenToCreate {
  readonly project: string;
  readonly scope: TokenScope;
  readonly name: string;
}

const PLAINTEXT = /^sps_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;
const HASH_BYTES = 32;

function hashSecret(secret: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(createHash('sha256').update(secret).digest());
}

interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly project: string;
  readonly scope: string;
  readonly secretHash: Uint8Array;
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

function toToken(row: Omit<TokenRow, 'secretHash'>): Token {
  const { id, name, project, createdAt, revokedAt } = row;
  return { id, name, project, scope: tokenScopeSchema.parse(row.scope), createdAt, revokedAt };
}

/** The plaintext is in this reply and nowhere else, ever again. */
export async function createToken(
  db: Database,
  { project, scope, name }: TokenToCreate,
  now: Date,
): Promise<Token & { readonly plaintext: string }> {
  const id = randomBytes(8).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  const row = await db.prisma.token.create({
    data: { id, project, scope, name, secretHash: hashSecret(secret), createdAt: now },
  });
  return { ...toToken(row), plaintext: `sps_${id}_${secret}` };
}

/**
 * The token that `plaintext` is; null for one that is malformed, unknown, wrong or revoked.
 * One keyed read. The comparison takes the same time whether or not the id exists.
 */
export async function verifyToken(db: Database, plaintext: string): Promise<Token | null> {
  const [, id, secret] = PLAINTEXT.exec(plaintext) ?? [];
  if (id === undefined || secret === undefined) return null;
  const { rows } = await db.pool.query<TokenRow>({
    name: 'verify_token',
    text: `SELECT id, name, project, scope, secret_hash AS "secretHash",
        created_at AS "createdAt", revoked_at AS "revokedAt" FROM token WHERE id = $1`,
    values: [id],
  });
  const row = rows[0] ?? null;
  const stored = row?.secretHash ?? new Uint8Array(HASH_BYTES);
  const isRight = stored.length === HASH_BYTES && timingSafeEqual(stored, hashSecret(secret));
  return isRight && row !== null && row.revokedAt === null ? toToken(row) : null;
}

/** Newest first, revoked ones too. */
export async function listTokens(db: Database, project?: string): Promise<Token[]> {
  const rows = await db.prisma.token.findMany({
    ...(project === undefined ? {} : { where: { project } }),
    orderBy: [{ createdAt: 'desc' }, { id: 'asc' }],
  });
  return rows.map(toToken);
}

/** True where a token with that id exists; revoked again it stays revoked since the first time. */
export async function revokeToken(db: Database, id: string, now: Date): Promise<boolean> {
  await db.prisma.token.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: now } });
  return (await db.prisma.token.count({ where: { id } })) > 0;
}
