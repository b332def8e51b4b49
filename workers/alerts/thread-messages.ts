/** What crosses between the worker and its thread for alerts. */
import type { LiveIncident } from '../../lib/contract/incidents';
import type { AlertSettings } from './alert-settings';
import type { DeliveryStatus } from './deliver/delivery';

export interface AlertThreadData {
  readonly databaseUrl: string;
  readonly settings: AlertSettings;
}

/** What is new of an attempt, summed up since the last message. */
export interface AttemptNews {
  readonly runKey: string;
  readonly attempt: number;
  /** Detectors have looked as far, and what they found is written; null: only frames have come. */
  readonly settledStep: number | null;
}

export type AlertRequest =
  | { readonly kind: 'news'; readonly news: readonly AttemptNews[] }
  /** The run ended, has a new attempt or another name. */
  | { readonly kind: 'changed'; readonly runKey: string }
  | { readonly kind: 'rules'; readonly project: string }
  | { readonly kind: 'forget'; readonly runKey: string }
  /** Messages may be due. */
  | { readonly kind: 'deliver' }
  | { readonly kind: 'close' };

export interface AlertProgress {
  readonly rules: number;
  /** Runs that it holds. */
  readonly runs: number;
  readonly openIncidents: number;
  /** How long the oldest news has waited. */
  readonly lagMs: number;
  /** Totals since the thread started. */
  readonly turns: number;
  /** Steps looked at, once a rule each. */
  readonly foldedSteps: number;
  readonly opened: number;
  readonly closed: number;
  readonly failures: number;
  readonly lastFailure: string | null;
  readonly busySeconds: number;
  readonly delivery: DeliveryStatus;
}

export type AlertReply =
  | { readonly kind: 'progress'; readonly progress: AlertProgress }
  | { readonly kind: 'incident'; readonly live: LiveIncident };
