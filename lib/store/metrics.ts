import type { Database } from './database';
import type { MetricKind } from './writing/metric-registry';

/** Names of one kind with their numbers, in the order in which the run first reported them. */
export async function findMetricIds(
  db: Database,
  runKey: string,
  kind: MetricKind,
): Promise<ReadonlyMap<string, number>> {
  const rows = await db.prisma.metric.findMany({
    where: { runKey, kind },
    orderBy: { metricId: 'asc' },
    select: { name: true, metricId: true },
  });
  return new Map(rows.map(({ name, metricId }) => [name, metricId]));
}
