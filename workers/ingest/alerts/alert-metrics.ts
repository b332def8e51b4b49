import type { Registry } from 'prom-client';
import type { AlertsClient } from '../../alerts/alerts-client';
import { metricsOnRead } from '../metrics-on-read';

/** What the alert thread says of itself to Prometheus. */
export function observeAlerts(registry: Registry, alerts: Pick<AlertsClient, 'status'>): void {
  const { gauge, counter } = metricsOnRead(registry, 'spikescope_alerts_', () => alerts.status());
  gauge('running', '1 while the thread looks at rules', ({ isRunning }) => +isRunning);
  gauge('rules', 'Rules that are switched on', ({ rules }) => rules);
  gauge('runs', 'Runs whose rules are held in memory', ({ runs }) => runs);
  gauge('open_incidents', 'Incidents that are open', ({ openIncidents }) => openIncidents);
  gauge('lag_seconds', 'How long the oldest news has waited', ({ lagMs }) => lagMs / 1000);
  counter('turns', 'Looks at what is new of a run', ({ turns }) => turns);
  counter('folded_steps', 'Steps looked at, once a rule each', ({ foldedSteps }) => foldedSteps);
  counter('opened', 'Incidents opened', ({ opened }) => opened);
  counter('closed', 'Incidents closed', ({ closed }) => closed);
  counter('failures', 'Looks that failed and were tried again', ({ failures }) => failures);
  counter('seconds', 'Time spent on looks', ({ busySeconds }) => busySeconds);
  counter('thread_restarts', 'Times that the thread died', ({ restarts }) => restarts);
  gauge('messages_under_way', 'Messages being sent', ({ delivery }) => delivery.underWay);
  counter('messages_delivered', 'Messages delivered', ({ delivery }) => delivery.delivered);
  counter('message_failures', 'Tries that failed', ({ delivery }) => delivery.failed);
  counter('messages_dead', 'Messages given up', ({ delivery }) => delivery.dead);
}
