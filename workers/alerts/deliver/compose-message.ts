import type { MessageSource } from '../../../lib/store/alerts/alert-messages';
import type { IncidentMessage, TestMessage } from './alert-message';
import { whatToDoFirst } from './what-to-do';

/** What is known of an incident as the message of it, with links for whoever reads it. */
export function composeIncident(source: MessageSource, publicUrl: string): IncidentMessage {
  const { peakValue, peakStep, spikeId, openedStep, run } = source;
  const runUrl = `${publicUrl}/runs/${encodeURIComponent(run.id)}`;
  const [layer] = source.layers;
  const ofLayer = layer === undefined ? '' : `&layer=${layer.index}`;
  return {
    kind: 'incident',
    id: source.id,
    project: source.project,
    createdAt: source.createdAt,
    severity: source.severity,
    title: source.title,
    ruleName: source.ruleName,
    condition: source.condition,
    incidentId: source.incidentId,
    run,
    attempt: source.attempt,
    openedStep,
    openedAt: source.openedAt,
    closedAt: source.closedAt,
    peak: peakValue === null ? null : { value: peakValue, step: peakStep },
    layers: source.layers,
    layerCount: source.layerCount,
    runUrl: openedStep === null ? runUrl : `${runUrl}?step=${openedStep}${ofLayer}`,
    postmortemUrl: spikeId === null ? null : `${runUrl}/spikes/${encodeURIComponent(spikeId)}`,
    whatToDo: whatToDoFirst(source.condition.kind),
  };
}

export function composeTest(
  test: Omit<TestMessage, 'kind' | 'url'>,
  publicUrl: string,
): TestMessage {
  return { kind: 'test', url: publicUrl, ...test };
}
