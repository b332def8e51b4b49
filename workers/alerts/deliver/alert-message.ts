import type { AlertCondition, AlertSeverity } from '../../../lib/contract/alert-rules';

/** What is told, before it is put into the words of a channel. */
export type AlertMessage = IncidentMessage | TestMessage;

export interface IncidentMessage {
  readonly kind: 'incident';
  /** Of the delivery: the same however often it is sent. */
  readonly id: string;
  readonly project: string;
  readonly createdAt: Date;
  readonly severity: AlertSeverity;
  /** One line: what, where, with its number. */
  readonly title: string;
  readonly ruleName: string;
  readonly condition: AlertCondition;
  readonly incidentId: string;
  readonly run: { readonly id: string; readonly name: string };
  readonly attempt: number;
  /** null where it is about no step. */
  readonly openedStep: number | null;
  readonly openedAt: Date;
  /** Where it was over before this was sent. */
  readonly closedAt: Date | null;
  readonly peak: { readonly value: number; readonly step: number | null } | null;
  readonly layers: readonly { readonly index: number; readonly name: string }[];
  readonly layerCount: number;
  readonly runUrl: string;
  /** null where no spike belongs to it. */
  readonly postmortemUrl: string | null;
  /** What to do first, in order. */
  readonly whatToDo: readonly string[];
}

export interface TestMessage {
  readonly kind: 'test';
  readonly id: string;
  readonly project: string;
  readonly createdAt: Date;
  readonly channelName: string;
  readonly url: string;
}
