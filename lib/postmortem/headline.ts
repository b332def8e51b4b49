/** The one line above a postmortem: what moved first, or that nothing did. */
import { formatStep } from '../view/text/format-number';
import { layerName, riseOf, spikeBefore, type PostmortemFacts } from './facts';
import { countWatchedSteps, describeWatch, hasGaps } from './watched-steps';
import { inSteps, nameList, plural } from './words';

export function writeHeadline(facts: PostmortemFacts): string {
  const { spike, run, columns } = facts;
  const at = formatStep(spike.onsetStep);
  const leading = spike.firstMovers.filter(({ leadSteps }) => leadSteps >= 1);
  const longest = Math.max(
    0,
    ...[...leading, ...spike.globalMovers].map(({ leadSteps }) => leadSteps),
  );
  if (spike.kind === 'outlier_batch') return `One bad batch at ${at}, no instability`;
  if (spike.kind === 'rms_spike') {
    const names = spike.firstMovers
      .filter(({ metric }) => metric === 'rms')
      .map(({ layer }) => layerName(facts, layer));
    return `RMS of ${names.length === 0 ? 'a layer' : nameList(names)} spiked at ${at}`;
  }
  const before = longest === 0 ? spikeBefore(facts) : null;
  if (before !== null)
    return `Diverged at ${at}, in the loss spike that began at ${formatStep(before.onsetStep)}`;
  const target = spike.kind === 'divergence' ? 'the loss diverged' : 'the loss';
  if (spike.verdict === 'insufficient_data') {
    const what = spike.kind === 'divergence' ? 'Diverged' : 'Loss spike';
    return `${what} at ${at}; too little history to look for a precursor`;
  }
  const watched = countWatchedSteps(columns, riseOf(spike));
  if (longest === 0 && hasGaps(watched)) {
    const what = spike.kind === 'divergence' ? `Diverged at ${at}` : `Loss spike at ${at}`;
    return `${what} without a precursor that was seen: ${describeWatch(watched)}`;
  }
  if (longest === 0) {
    return spike.kind === 'divergence'
      ? `Diverged at ${at} without a precursor`
      : `No precursor: nothing moved before the loss rose at ${at}`;
  }
  const first = leading.filter(({ leadSteps }) => leadSteps === longest);
  const when = `${inSteps(longest)} before ${target}`;
  if (first.length === 0) {
    return hasGaps(watched)
      ? `The gradient norm moved ${when}; ${describeWatch(watched)}`
      : `Only the gradient norm moved, ${when}`;
  }
  const names = first.map(({ layer }) => layerName(facts, layer));
  return first.length <= 2
    ? `${nameList(names)} moved ${when}`
    : `${first.length} of ${plural(run.layerNames.length, 'layer')} moved ${when}`;
}
