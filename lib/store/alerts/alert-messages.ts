/** What a message of an incident is made from. */
import { z } from 'zod';
import {
  type AlertCondition,
  type AlertSeverity,
  alertConditionSchema,
  alertSeveritySchema,
} from '../../contract/alert-rules';
import type { ClaimedDelivery } from './alert-deliveries';
import type { Database } from '../database';
import { DELETING } from '../runs/run-status';

export interface MessageSource {
  /** Of the delivery. */
  readonly id: string;
  readonly project: string;
  readonly createdAt: Date;
  readonly incidentId: string;
  readonly severity: AlertSeverity;
  readonly title: string;
  readonly ruleName: string;
  readonly condition: AlertCondition;
  readonly run: { readonly id: string; readonly name: string };
  readonly attempt: number;
  readonly openedStep: number | null;
  readonly openedAt: Date;
  readonly closedAt: Date | null;
  readonly peakValue: number | null;
  readonly peakStep: number | null;
  readonly spikeId: string | null;
  /** At most 64, by index. */
  readonly layers: readonly { readonly index: number; readonly name: string }[];
  readonly layerCount: number;
}

const step = z.string().transform(Number).nullable();
const rowSchema = z.object({
  runId: z.string(),
  runName: z.string(),
  severity: alertSeveritySchema,
  condition: alertConditionSchema,
  title: z.string(),
  ruleName: z.string(),
  attempt: z.int(),
  openedStep: step,
  openedAt: z.date(),
  closedAt: z.date().nullable(),
  peakValue: z.number().nullable(),
  peakStep: step,
  spikeId: z.string().nullable(),
  layerCount: z.int(),
  layers: z.array(z.object({ index: z.int(), name: z.string() })),
});

/** Three look-ups by primary key and those of the layers' names; null once the incident or its run is gone. */
export async function findMessageSource(
  db: Pick<Database, 'pool'>,
  { runKey, deliveryKey, incidentKey, project, createdAt }: ClaimedDelivery,
): Promise<MessageSource | null> {
  const { rows } = await db.pool.query({
    name: 'find_message_source',
    text: `SELECT r.id AS "runId", r.name AS "runName", i.severity, i.condition, i.title,
        i.rule_name AS "ruleName", i.attempt, i.opened_step AS "openedStep",
        i.opened_at AS "openedAt", i.closed_at AS "closedAt", i.peak_value AS "peakValue",
        i.peak_step AS "peakStep", i.spike_id AS "spikeId", i.layer_count AS "layerCount",
        coalesce((
          SELECT json_agg(json_build_object('index', l.index, 'name', l.name) ORDER BY l.index)
          FROM layer l WHERE l.run = i.run AND l.index = ANY (i.layers)
        ), '[]') AS layers
      FROM incident i JOIN run r ON r.run = i.run AND r.status <> '${DELETING}'
      WHERE i.run = $1 AND i.incident = $2`,
    values: [runKey, incidentKey],
  });
  const row: unknown = rows[0];
  if (row === undefined) return null;
  const { runId, runName, ...rest } = rowSchema.parse(row);
  return {
    ...{ id: deliveryKey, project, createdAt, incidentId: incidentKey },
    run: { id: runId, name: runName },
    ...rest,
  };
}
