import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arrayParameter, BinaryWriter } from '@/lib/store/postgres/binary-writer';
import { CopyIn } from '@/lib/store/postgres/copy-binary';
import { useDatabase } from '@/tests/database';

const database = useDatabase();
let client: pg.Client;

beforeAll(async () => {
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(
    'CREATE TABLE sample (id int, step bigint, loss float8, ids smallint[], payload bytea, run uuid)',
  );
});

afterAll(() => client.end());

interface Row {
  readonly id: number;
  readonly step: number;
  readonly loss: number | null;
  readonly ids: readonly number[];
  readonly payload: Uint8Array;
  readonly run: Uint8Array;
}

const anyRow: fc.Arbitrary<Row> = fc.record({
  id: fc.integer(),
  step: fc.maxSafeInteger(),
  loss: fc.option(fc.double()),
  ids: fc.array(fc.integer({ min: -32_768, max: 32_767 }), { maxLength: 5 }),
  payload: fc.uint8Array({ maxLength: 50 }),
  run: fc.uint8Array({ minLength: 16, maxLength: 16 }),
});

function encode(rows: readonly Row[]): Buffer {
  const writer = new BinaryWriter(16);
  writer.copyHeader();
  for (const row of rows) {
    writer.row(6);
    writer.int4(row.id);
    writer.int8(row.step);
    writer.float8(row.loss);
    writer.array('int2', row.ids.length, (index) => writer.int2(row.ids[index]!));
    writer.bytea([row.payload.subarray(0, 3), row.payload.subarray(3)]);
    writer.uuid(row.run);
  }
  writer.copyTrailer();
  return writer.finish();
}

async function readAll(sql: string): Promise<Row[]> {
  const rows: Row[] = [];
  await database.db.copyRows(sql, (row) => {
    rows.push({
      id: row.int4(0),
      step: row.int8(1),
      loss: row.float8(2),
      ids: row.int2Array(3),
      payload: Uint8Array.from(row.bytes(4)),
      run: Uint8Array.from(row.uuid(5)),
    });
  });
  return rows;
}

describe('binary COPY', () => {
  it('brings every value back as it was written', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { maxLength: 20 }), async (rows) => {
        await client.query('TRUNCATE sample');
        await client.query(new CopyIn('sample', encode(rows))).done;
        expect(await readAll('SELECT * FROM sample')).toEqual(rows);
      }),
      { numRuns: 30, seed: 20_260_101 },
    );
  });

  it('carries values larger than a socket takes at once', async () => {
    await client.query('TRUNCATE sample');
    const payload = Uint8Array.from({ length: 3_000_000 }, (_, index) => index % 251);
    const row = { id: 1, step: 2, loss: NaN, ids: [], payload, run: new Uint8Array(16) };
    await client.query(new CopyIn('sample', encode([row, row]))).done;
    const rows = await readAll('SELECT * FROM sample');
    expect(rows).toHaveLength(2);
    expect(Buffer.from(rows[1]!.payload).equals(Buffer.from(payload))).toBe(true);
  });

  it('reports a refused row and leaves the connection usable', async () => {
    await client.query('TRUNCATE sample');
    const broken = encode([]).subarray(0, 15);
    await expect(client.query(new CopyIn('sample', broken)).done).rejects.toThrow();
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  it('reports a bad statement and a reader that throws, and goes on', async () => {
    const { db } = database;
    await expect(db.copyRows('SELECT nothing FROM nowhere', () => undefined)).rejects.toThrow(
      /nowhere/,
    );
    await expect(
      db.copyRows('SELECT generate_series(1, 1000)', () => {
        throw new Error('the reader fails');
      }),
    ).rejects.toThrow('the reader fails');
    expect(await db.copyRows('SELECT generate_series(1, 1000)', () => undefined)).toBe(1000);
  });
});

describe('arrayParameter', () => {
  it('is an array to PostgreSQL, empty or with NULLs', async () => {
    const floats = arrayParameter('float8', 3, (writer, index) =>
      writer.float8(index === 1 ? null : index / 2),
    );
    const { rows } = await client.query('SELECT $1::float8[] AS floats, $2::int[] AS none', [
      floats,
      arrayParameter('int4', 0, () => undefined),
    ]);
    expect(rows).toEqual([{ floats: [0, null, 1], none: [] }]);
  });
});
