import { describe, expect, it } from 'vitest';
import { verifyToken } from '@/lib/store/tokens';
import { runTokenCommand, type TokenCommand } from '@/workers/launcher/token-command';
import { useDatabase } from '../../database';

const database = useDatabase();

async function run(command: TokenCommand) {
  const printed: string[] = [];
  const explained: string[] = [];
  const code = await runTokenCommand(command, {
    db: database.db,
    now: () => new Date('2025-03-01T12:00:00Z'),
    print: (line) => printed.push(line),
    explain: (line) => explained.push(line),
  });
  return { code, printed, explained: explained.join('\n') };
}

describe('runTokenCommand', () => {
  it('says that there are none yet', async () => {
    const { code, printed, explained } = await run({ kind: 'list', project: null });
    expect({ code, printed, explained }).toEqual({
      code: 0,
      printed: [],
      explained: 'No tokens yet.',
    });
  });

  it('creates a token that is right until it is revoked', async () => {
    const created = await run({ kind: 'create', project: 'lm', scope: 'ingest', name: 'node 7' });
    expect(created.code).toBe(0);
    expect(created.printed).toHaveLength(1);
    const plaintext = created.printed[0]!;
    const token = await verifyToken(database.db, plaintext);
    expect(token).toMatchObject({ project: 'lm', scope: 'ingest', name: 'node 7' });

    const listed = await run({ kind: 'list', project: 'lm' });
    expect(listed.printed[1]).toBe(`${token!.id}  lm       ingest  2025-03-01  valid  node 7`);
    expect(listed.printed.join('\n')).not.toContain(plaintext.split('_').slice(2).join('_'));

    expect((await run({ kind: 'revoke', id: token!.id })).code).toBe(0);
    expect(await verifyToken(database.db, plaintext)).toBeNull();
    const after = await run({ kind: 'list', project: null });
    expect(after.printed[1]).toContain('revoked 2025-03-01');
  });

  it('says when there is no such token', async () => {
    const { code, explained } = await run({ kind: 'revoke', id: 'abc' });
    expect(code).toBe(1);
    expect(explained).toBe('There is no token abc.');
  });
});
