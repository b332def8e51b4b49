/** The yardstick: the same datapoints as a row each, by binary COPY, in the same run. */
import pg from 'pg';
import { BinaryWriter } from '../../lib/store/postgres/binary-writer';
import { CopyIn } from '../../lib/store/postgres/copy-binary';
import { seededRandom } from '../../tests/seeded-random';

/** Frames a transaction: as many datapoints as a batch of the frame writer holds at most. */
const FRAMES_PER_COPY = 32;

/** Datapoints a second; with the index by which a layer's series is found. */
export async function measureNarrowRows(
  url: string,
  { layers, metrics, seconds }: { layers: number; metrics: number; seconds: number },
): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(
    `CREATE TABLE narrow (run uuid, step bigint, layer int, metric smallint, value real,
       PRIMARY KEY (run, step, layer, metric))`,
  );
  const run = Buffer.alloc(16, 7);
  const random = seededRandom(2);
  const startMs = performance.now();
  let datapoints = 0;
  for (let step = 0; performance.now() - startMs < seconds * 1000; step += FRAMES_PER_COPY) {
    const writer = new BinaryWriter(1 << 24);
    writer.copyHeader();
    for (let frame = 0; frame < FRAMES_PER_COPY; frame++) {
      for (let layer = 0; layer < layers; layer++) {
        for (let metric = 0; metric < metrics; metric++) {
          writer.row(5);
          writer.uuid(run);
          writer.int8(step + frame);
          writer.int4(layer);
          writer.int2(metric);
          writer.float4(random());
        }
      }
    }
    writer.copyTrailer();
    await client.query(new CopyIn('narrow', writer.finish())).done;
    datapoints += FRAMES_PER_COPY * layers * metrics;
  }
  const elapsedMs = performance.now() - startMs;
  await client.end();
  return (datapoints * 1000) / elapsedMs;
}
