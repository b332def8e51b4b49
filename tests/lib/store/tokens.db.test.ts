import { expect, it } from 'vitest';
import { createToken, listTokens, revokeToken, verifyToken } from '@/lib/store/tokens';
import { useDatabase } from '@/tests/database';

const database = useDatabase();
const NOW = new Date('2026-01-01T00:00:00Z');
const asked = { project: 'p', scope: 'ingest', name: 'job' } as const;

it('is known by its plaintext, which is stored nowhere', async () => {
  const { db } = database;
  const token = await createToken(db, asked, NOW);
  expect(token.plaintext).toMatch(new RegExp(`^sps_${token.id}_[A-Za-z0-9_-]{43}$`));
  expect(await verifyToken(db, token.plaintext)).toMatchObject({ id: token.id, ...asked });
  const { rows } = await db.pool.query<{ row: string }>('SELECT token::text AS row FROM token');
  const secret = token.plaintext.slice(`sps_${token.id}_`.length);
  expect(rows.some(({ row }) => row.includes(secret))).toBe(false);
  expect(rows.some(({ row }) => row.includes(Buffer.from(secret).toString('hex')))).toBe(false);
});

it('is nobody’s when it is wrong, malformed or revoked', async () => {
  const { db } = database;
  const token = await createToken(db, asked, NOW);
  const flipped = token.plaintext.endsWith('A') ? 'B' : 'A';
  const wrong = [
    '',
    'sps_',
    'nonsense',
    token.plaintext.slice(0, -1),
    `${token.plaintext.slice(0, -2)}${flipped}${token.plaintext.at(-1)!}`,
    token.plaintext.replace(token.id, '0123456789abcdef'),
    ` ${token.plaintext}`,
  ];
  for (const plaintext of wrong) expect(await verifyToken(db, plaintext)).toBeNull();
  expect(await revokeToken(db, token.id, NOW)).toBe(true);
  expect(await verifyToken(db, token.plaintext)).toBeNull();
  expect(await revokeToken(db, 'ffffffffffffffff', NOW)).toBe(false);
});

it('stays revoked since the first time', async () => {
  const { db } = database;
  const token = await createToken(db, { ...asked, project: 'q' }, NOW);
  await revokeToken(db, token.id, NOW);
  await revokeToken(db, token.id, new Date('2027-01-01T00:00:00Z'));
  expect(await listTokens(db, 'q')).toEqual([
    { id: token.id, ...asked, project: 'q', createdAt: NOW, revokedAt: NOW },
  ]);
});
