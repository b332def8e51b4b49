import { Counter, Gauge, type Registry } from 'prom-client';
import type { AlertsClient, AlertsStatus } from '../../alerts/alerts-client';

type Read = (status: AlertsStatus) => number;

/** What the alert thread says of itself to Prometheus, read when it is asked for. */
export function observeAlerts(registry: Registry, alerts: Pick<AlertsClient, 'status'>): void {
  const gauge = (name: string, help: string, read: Read): void => {
    new Gauge({
      name: `spikescope_alerts_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read(alerts.status()));
      },
    });
  };
  const counter = (name: string, help: string, read: Read): void => {
    new Counter({
      name: `spikescope_alerts_${name}_total`,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(read(alerts.status()));
      },
    });
  };
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
