import type { Layer } from '../contract/runs';
import { toLayer } from './create-run';
import type { Database } from './database';

export type IndexedLayer = Layer & { readonly index: number };

/** The layers of a run in model order; one range of the primary key. */
export async function findLayers(db: Database, runKey: string): Promise<IndexedLayer[]> {
  const rows = await db.prisma.layer.findMany({ where: { runKey }, orderBy: { index: 'asc' } });
  return rows.map((row) => ({ index: row.index, ...toLayer(row) }));
}

/** One layer of a run that has it. */
export async function findLayer(
  db: Database,
  runKey: string,
  index: number,
): Promise<IndexedLayer> {
  const row = await db.prisma.layer.findUniqueOrThrow({
    where: { runKey_index: { runKey, index } },
  });
  return { index: row.index, ...toLayer(row) };
}
