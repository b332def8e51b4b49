/**
 * Incidents as a fold of rules leaves them, within its transaction. An incident's key follows
 * from what makes it one, so that what is folded again after a crash is found again and told
 * once.
 */
import type { PoolClient } from 'pg';
import type { Incident } from '../../contract/incidents';
import { floatsParameter } from '../postgres/binary-writer';
import { hashKey } from '../runs/run-key';

/** An incident as a rule's fold knows it. */
export interface IncidentToSave {
  /** What tells it from the rule's others on this attempt; never changes. */
  readonly opening: string;
  readonly openedStep: number | null;
  readonly title: string;
  /** null where it has none; may be not finite. */
  readonly peakValue: number | null;
  readonly peakStep: number | null;
  /** At most 64 of them. */
  readonly layers: readonly number[];
  readonly layerCount: number;
  readonly spikeId: string | null;
  /** null while it is open. */
  readonly closed: {
    readonly step: number | null;
    readonly by: NonNullable<Incident['closedBy']>;
  } | null;
}

export interface FoldToSave {
  readonly ruleKey: string;
  /** Of the rule that was folded; where it is another by now, nothing of it is written. */
  readonly revision: number;
  readonly attempt: number;
  /** The newest step that was folded; -1 before the first. */
  readonly step: number;
  /** Plain JSON. */
  readonly state: object;
  /** Those that opened or changed since what was saved before. */
  readonly incidents: readonly IncidentToSave[];
}

/** A rule as it stands when what it found is written. */
export interface RuleRow {
  readonly rule: string;
  readonly revision: number;
  readonly name: string;
  readonly severity: string;
  readonly condition: string;
  readonly channels: string[];
  readonly notify_browsers: boolean;
  readonly muted: boolean;
}

/** The same for the same opening, whenever it is found. */
function incidentKeyOf(
  { ruleKey, revision, attempt }: Pick<FoldToSave, 'ruleKey' | 'revision' | 'attempt'>,
  runKey: string,
  opening: string,
): string {
  return hashKey(`incident:${ruleKey}:${revision}:${runKey}:${attempt}:${opening}`);
}

export interface WrittenIncident {
  readonly key: string;
  readonly isNew: boolean;
  readonly isClosed: boolean;
  readonly notify: boolean;
}

/** Opens, moves and closes incidents, with a message to each channel for each that opens. */
export async function writeIncidents(
  client: PoolClient,
  { runKey, project }: { readonly runKey: string; readonly project: string },
  folds: readonly FoldToSave[],
  rules: ReadonlyMap<string, RuleRow>,
  now: Date,
): Promise<WrittenIncident[]> {
  const found = folds.flatMap((fold) => {
    const rule = rules.get(fold.ruleKey);
    if (rule === undefined) return [];
    return fold.incidents.map((incident) => ({
      ...{ fold, rule, incident, key: incidentKeyOf(fold, runKey, incident.opening) },
    }));
  });
  if (found.length === 0) return [];
  const { rows } = await client.query<{ incident: string; is_new: boolean; is_closed: boolean }>({
    name: 'upsert_incidents',
    // One that is closed stays as it is. A row that was not there before has no deleter yet.
    text: `INSERT INTO incident (run, project, opened_at, incident, rule, rule_name, severity, condition, attempt,
        opened_step, title, peak_value, peak_step, layers, layer_count, spike_id, notify_browsers, was_muted,
        closed_step, closed_by, closed_at)
      SELECT $1::uuid, $2, $3::timestamptz, key, rule, rule_name, severity, condition::jsonb, attempt, opened_step,
        title, peak_value, peak_step, layers::int[], layer_count, spike_id, notify_browsers, was_muted, closed_step,
        closed_by, CASE WHEN closed_by IS NULL THEN NULL ELSE $3::timestamptz END
      FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::int[], $10::bigint[], $11::text[],
        $12::float8[], $13::bigint[], $14::text[], $15::int[], $16::text[], $17::boolean[], $18::boolean[],
        $19::bigint[], $20::text[])
        AS found (key, rule, rule_name, severity, condition, attempt, opened_step, title, peak_value, peak_step,
          layers, layer_count, spike_id, notify_browsers, was_muted, closed_step, closed_by)
      ON CONFLICT (run, incident) DO UPDATE SET peak_value = excluded.peak_value, peak_step = excluded.peak_step,
        layers = excluded.layers, layer_count = excluded.layer_count, closed_step = excluded.closed_step,
        closed_by = excluded.closed_by, closed_at = excluded.closed_at
      WHERE incident.closed_at IS NULL
      RETURNING incident::text, xmax = 0 AS is_new, closed_at IS NOT NULL AS is_closed`,
    values: [
      runKey,
      project,
      now,
      found.map(({ key }) => key),
      found.map(({ fold }) => fold.ruleKey),
      found.map(({ rule }) => rule.name),
      found.map(({ rule }) => rule.severity),
      found.map(({ rule }) => rule.condition),
      found.map(({ fold }) => fold.attempt),
      found.map(({ incident }) => incident.openedStep),
      found.map(({ incident }) => incident.title),
      floatsParameter(found.map(({ incident }) => incident.peakValue)),
      found.map(({ incident }) => incident.peakStep),
      // Ragged arrays cannot be unnested as arrays: they travel as text.
      found.map(({ incident }) => `{${incident.layers.join(',')}}`),
      found.map(({ incident }) => incident.layerCount),
      found.map(({ incident }) => incident.spikeId),
      found.map(({ rule }) => rule.notify_browsers),
      found.map(({ rule }) => rule.muted),
      found.map(({ incident }) => incident.closed?.step ?? null),
      found.map(({ incident }) => incident.closed?.by ?? null),
    ],
  });
  const ruleOf = new Map(found.map(({ key, rule }) => [key, rule]));
  const written = rows.map(({ incident, is_new: isNew, is_closed: isClosed }) => {
    const rule = ruleOf.get(incident);
    const isHeard = rule !== undefined && !rule.muted;
    return { key: incident, isNew, isClosed, rule, isHeard };
  });
  const opened = written.filter(({ isNew, isHeard }) => isNew && isHeard);
  await addDeliveries(
    client,
    { runKey, project },
    opened.map(({ key, rule }) => ({ key, channels: rule?.channels ?? [] })),
    now,
  );
  return written.map(({ key, isNew, isClosed, rule, isHeard }) => ({
    ...{ key, isNew, isClosed, notify: isHeard && rule?.notify_browsers === true },
  }));
}

/** A message to each channel that is switched on, due at once. */
async function addDeliveries(
  client: PoolClient,
  { runKey, project }: { readonly runKey: string; readonly project: string },
  opened: readonly { readonly key: string; readonly channels: readonly string[] }[],
  now: Date,
): Promise<void> {
  const messages = opened.flatMap(({ key, channels }) =>
    channels.map((channel) => ({ key, channel, id: deliveryKeyOf(key, channel) })),
  );
  if (messages.length === 0) return;
  await client.query({
    name: 'add_alert_deliveries',
    text: `INSERT INTO alert_delivery (run, project, delivery, incident, channel, next_attempt_at, created_at)
      SELECT $1::uuid, $2, message.delivery, message.incident, message.channel, $3::timestamptz, $3::timestamptz
      FROM unnest($4::uuid[], $5::uuid[], $6::uuid[]) AS message (delivery, incident, channel)
      JOIN alert_channel AS channel
        ON channel.project = $2 AND channel.channel = message.channel AND channel.is_enabled
      ON CONFLICT (run, delivery) DO NOTHING`,
    values: [
      runKey,
      project,
      now,
      messages.map(({ id }) => id),
      messages.map(({ key }) => key),
      messages.map(({ channel }) => channel),
    ],
  });
}

/** One message an incident and channel; a receiver knows a repeat by it. */
function deliveryKeyOf(incidentKey: string, channelKey: string): string {
  return hashKey(`delivery:${incidentKey}:${channelKey}`);
}
