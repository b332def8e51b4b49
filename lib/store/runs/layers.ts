import type { Layer } from '../../contract/runs';
import { toLayer } from './create-run';
import type { Database } from '../database';
import type { CopyRow } from '../postgres/copy-binary';
import type { PreparedQuery } from '../postgres/prepared-read';
import type { RowReader } from '../postgres/snapshot';

export type IndexedLayer = Layer & { readonly index: number };

const COLUMNS = `name, kind, depth, parameter_count, coalesce(shape, '{}'), has_shape::int, index`;

function readLayer(row: CopyRow): IndexedLayer {
  const layer = toLayer({
    name: row.text(0),
    kind: row.isNull(1) ? null : row.text(1),
    depth: row.isNull(2) ? null : row.int4(2),
    parameterCount: row.int8(3),
    shape: row.int8Array(4),
    hasShape: row.int4(5) === 1,
  });
  return { index: row.int4(6), ...layer };
}

/** What finds the layers of a run, for a caller who sends more queries with it. */
function layersQuery(runKey: string): {
  readonly query: PreparedQuery;
  readonly layers: IndexedLayer[];
} {
  const layers: IndexedLayer[] = [];
  return {
    query: {
      sql: `SELECT ${COLUMNS} FROM layer WHERE run = $1::uuid ORDER BY index`,
      values: [runKey],
      onRow: (row) => layers.push(readLayer(row)),
    },
    layers,
  };
}

/** What finds the names and sizes of a run's layers alone, in model order. */
export function layerSizesQuery(runKey: string): {
  readonly query: PreparedQuery;
  readonly layers: readonly Pick<Layer, 'name' | 'parameterCount'>[];
} {
  const layers: Pick<Layer, 'name' | 'parameterCount'>[] = [];
  return {
    query: {
      sql: 'SELECT name, parameter_count FROM layer WHERE run = $1::uuid ORDER BY index',
      values: [runKey],
      onRow: (row) => layers.push({ name: row.text(0), parameterCount: row.int8(1) }),
    },
    layers,
  };
}

/** The layers of a run in model order; one range of the primary key. */
export async function findLayers(reader: RowReader, runKey: string): Promise<IndexedLayer[]> {
  const { query, layers } = layersQuery(runKey);
  await reader.readAll([query]);
  return layers;
}

/** [L] in model order; one range of the primary key. */
export async function findLayerNames(db: Database, runKey: string): Promise<string[]> {
  const rows = await db.prisma.layer.findMany({
    where: { runKey },
    orderBy: { index: 'asc' },
    select: { name: true },
  });
  return rows.map(({ name }) => name);
}

/** What finds one layer of a run that has it, for a caller who sends more queries with it. */
export function layerQuery(
  runKey: string,
  index: number,
): { readonly query: PreparedQuery; readonly layer: () => IndexedLayer } {
  let found: IndexedLayer | null = null;
  return {
    query: {
      sql: `SELECT ${COLUMNS} FROM layer WHERE run = $1::uuid AND index = $2::int`,
      values: [runKey, `${index}`],
      onRow: (row) => {
        found = readLayer(row);
      },
    },
    layer: () => {
      if (found === null) throw new Error(`a run with layer ${index} has no row of it`);
      return found;
    },
  };
}
