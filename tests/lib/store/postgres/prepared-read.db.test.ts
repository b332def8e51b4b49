import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '@/lib/contract/app-error';
import { CopyOut } from '@/lib/store/postgres/copy-binary';
import { PreparedRead } from '@/lib/store/postgres/prepared-read';
import { useDatabase } from '@/tests/database';

const database = useDatabase();
let client: pg.Client;

beforeAll(async () => {
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(() => client.end());

const numbers = (count: number, into: number[]) => ({
  sql: 'SELECT number FROM generate_series(1, $1::int) AS number',
  values: [`${count}`],
  onRow: (row: { int4(field: number): number }) => {
    into.push(row.int4(0));
  },
});

describe('PreparedRead', () => {
  it('answers several statements in their order, and again with other values', async () => {
    for (const count of [3, 0, 70_000]) {
      const first: number[] = [];
      const second: string[] = [];
      const read = new PreparedRead([
        numbers(count, first),
        {
          sql: 'SELECT $1::text, NULL::float8, $2::bigint, 0.5::float8',
          values: [`${count} rows`, '9007199254740991'],
          onRow: (row) => {
            second.push([row.text(0), row.float8(1), row.int8(2), row.float8(3)].join());
          },
        },
      ]);
      await client.query(read).done;
      expect(read.rowCount).toBe(count + 1);
      expect(first).toHaveLength(count);
      expect(first.at(-1)).toBe(count === 0 ? undefined : count);
      expect(second).toEqual([`${count} rows,,9007199254740991,0.5`]);
    }
    const { rows } = await client.query<{ count: string }>(
      `SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%generate_series(1, $1::int)%'`,
    );
    expect(rows[0]!.count).toBe('1');
  });

  it('carries values larger than a socket takes at once, bit by bit', async () => {
    const lengths = [1, 65_530, 65_536, 200_000, 5_000_000, 7];
    const found: Buffer[] = [];
    await client.query(
      new PreparedRead(
        lengths.map((length) => ({
          sql: `SELECT decode(repeat('00ff7f80', $1::int), 'hex')`,
          values: [`${length}`],
          onRow: (row) => found.push(Buffer.from(row.bytes(0))),
        })),
      ),
    ).done;
    expect(found.map(({ length }) => length)).toEqual(lengths.map((length) => length * 4));
    const pattern = Buffer.from([0x00, 0xff, 0x7f, 0x80]);
    expect(found.every((bytes) => bytes.equals(Buffer.alloc(bytes.length, pattern)))).toBe(true);
  });

  it('takes turns with other queries on the same connection', async () => {
    const seen: number[] = [];
    await client.query(new PreparedRead([numbers(2, seen)])).done;
    expect((await client.query('SELECT 7 AS seven')).rows).toEqual([{ seven: 7 }]);
    const copy = new CopyOut([{ sql: 'SELECT 8', onRow: (row) => seen.push(row.int4(0)) }]);
    await client.query(copy).done;
    const nine = await client.query({ name: 'nine', text: 'SELECT $1::int AS nine', values: [9] });
    expect(nine.rows).toEqual([{ nine: 9 }]);
    await client.query(new PreparedRead([numbers(1, seen)])).done;
    expect(seen).toEqual([1, 2, 8, 1]);
  });

  it('reports what the server refuses and what a reader throws', async () => {
    const refused = new PreparedRead([
      { sql: 'SELECT nothing FROM nowhere', values: [], onRow: () => undefined },
    ]);
    await expect(client.query(refused).done).rejects.toThrow(/nowhere/);
    const thrown = new PreparedRead([
      {
        ...numbers(100_000, []),
        onRow: () => {
          throw new Error('the reader fails');
        },
      },
    ]);
    await expect(client.query(thrown).done).rejects.toThrow('the reader fails');
    const seen: number[] = [];
    await client.query(new PreparedRead([numbers(1, seen)])).done;
    expect(seen).toEqual([1]);
  });
});

describe('readSnapshot', () => {
  it('sees what was there when it began, however long it reads', async () => {
    const { db } = database;
    await client.query('CREATE TABLE moment (n int)');
    await client.query('INSERT INTO moment VALUES (1)');
    const count = { sql: 'SELECT count(*) FROM moment', values: [] };
    const seen = await db.readSnapshot(async (snapshot) => {
      const counts: number[] = [];
      const onRow = (row: { int8(field: number): number }) => {
        counts.push(row.int8(0));
      };
      expect(await snapshot.readAll([{ ...count, onRow }])).toBe(1);
      await client.query('INSERT INTO moment VALUES (2)');
      await snapshot.readAll([{ ...count, onRow }]);
      await snapshot.copyRows(count.sql, onRow);
      return counts;
    });
    expect(seen).toEqual([1, 1, 1]);
  });

  it('changes nothing, and leaves its connection to the next whatever happens', async () => {
    const { db } = database;
    const write = { sql: 'INSERT INTO moment VALUES (3)', values: [], onRow: () => undefined };
    await expect(db.readSnapshot((snapshot) => snapshot.readAll([write]))).rejects.toThrow(
      /read-only/,
    );
    const expected = new AppError('run_not_found', 'no run');
    await expect(
      db.readSnapshot(async (snapshot) => {
        await snapshot.copyRows('SELECT 1', () => undefined);
        throw expected;
      }),
    ).rejects.toBe(expected);
    // More often than there are connections: each came back.
    for (let turn = 0; turn < 20; turn++) {
      const seen: number[] = [];
      await db.readSnapshot((snapshot) => snapshot.readAll([numbers(turn, seen)]));
      expect(seen).toHaveLength(turn);
      await db.readSnapshot(() => Promise.resolve());
    }
  });
});
