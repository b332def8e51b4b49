import type { Postmortem } from '../contract/postmortem';
import { composePostmortem } from '../postmortem/compose-postmortem';
import { lastQuietStep, riseOf, type LayerDistributions } from '../postmortem/facts';
import type { SpikeReport } from '../postmortem/report/spike-report';
import type { Database } from '../store/database';
import { readDistributions } from './read-distributions';
import { readPostmortemFacts } from './read-postmortem';

/** Figures of more layers make a report that nobody reads. */
const MOST_LAYERS = 3;
/** Shapes of fewer coordinates than this are noise. */
const LEAST_PARAMETERS = 1000;

/** A postmortem with u and r of the first movers. Throws AppError `run_not_found`, `spike_not_found`. */
export async function readSpikeReport(
  db: Database,
  runId: string,
  spikeId: string,
): Promise<SpikeReport> {
  const facts = await readPostmortemFacts(db, runId, spikeId);
  const postmortem = composePostmortem(facts);
  const { spike } = postmortem;
  const rise = riseOf(spike);
  const steps = [lastQuietStep(facts), rise, ...afterOf(spike)];
  const layers = layersToShow(postmortem);
  const read = await Promise.all(
    layers.map((layer) => readLayer(db, runId, layer, spike.attempt, steps)),
  );
  return { postmortem, distributions: read.filter((entry) => entry !== null) };
}

function afterOf({ recoveredStep }: Postmortem['spike']): number[] {
  return recoveredStep === null ? [] : [recoveredStep];
}

/** Large layers before small ones. */
function layersToShow({ movers }: Pick<Postmortem, 'movers'>): number[] {
  const isLarge = ({ parameterCount }: { readonly parameterCount: number }): boolean =>
    parameterCount >= LEAST_PARAMETERS;
  const ordered = [...movers.filter(isLarge), ...movers.filter((mover) => !isLarge(mover))];
  return ordered.slice(0, MOST_LAYERS).map(({ layer }) => layer);
}

/** null where the layer has no distribution around the spike. */
async function readLayer(
  db: Database,
  runId: string,
  layer: number,
  attempt: number,
  steps: readonly number[],
): Promise<LayerDistributions | null> {
  const first = Math.min(...steps);
  const { items, referenceCurves } = await readDistributions(db, runId, layer, {
    ...{ attempt, limit: 1000 },
    fromStep: Math.max(0, first - 50),
    toStep: Math.max(...steps),
  });
  const chosen = steps.flatMap((step) => items.findLast((item) => item.step <= step) ?? []);
  const distinct = chosen.filter((item, index) => chosen.indexOf(item) === index);
  return distinct.length === 0 ? null : { layer, items: distinct, referenceCurves };
}
