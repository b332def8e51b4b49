import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';

/** A connection to the product's embedded server, which keeps its password and its port beside its data. */
export async function withDatabase<Result>(
  dataDir: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const [, , , port] = readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split(
    '\n',
  );
  const client = new pg.Client({
    host: '127.0.0.1',
    port: Number(port),
    user: 'spikescope',
    database: 'spikescope',
    password: readFileSync(join(dataDir, 'postgres-password'), 'utf8').trim(),
  });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
