/**
 * Precision, recall, onset error, delay and lead of our spike detector and of other
 * projects' rules on every labelled series. Deterministic: nothing in it is timed.
 * Run: npx tsx bench/evaluate.ts
 */
import { type Alarm, RULES } from './evaluate/detector-rules';
import { type LabelledSeries, loadLabelledSeries } from './evaluate/labelled-series';
import { type Score, addScores, scoreAlarms } from './evaluate/score-alarms';

const GROUPS = ['recorded', 'public', 'composed', 'synthetic', 'hard'] as const;

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const fixed = (value: number, digits = 2) => (Number.isFinite(value) ? value.toFixed(digits) : '–');

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function summarise(name: string, score: Score): string {
  const { found, missed, falseAlarms, steps } = score;
  return row([
    name,
    fixed(found / (found + falseAlarms)),
    fixed(found / (found + missed)),
    `${found} of ${found + missed}`,
    String(falseAlarms),
    fixed((falseAlarms / steps) * 1e4, 1),
    fixed(mean(score.onsetErrors), 1),
    fixed(mean(score.delays), 1),
    fixed(mean(score.leads), 1),
  ]);
}

function describe(alarms: readonly Alarm[] | null, series: LabelledSeries): string {
  if (alarms === null) return 'cannot read it';
  const { found, falseAlarms } = scoreAlarms(alarms, series);
  const spikes = series.spikes.length === 0 ? '' : `${found}/${series.spikes.length}`;
  const wrong = falseAlarms === 0 ? '' : `${falseAlarms} false`;
  return [spikes, wrong].filter((part) => part !== '').join(', ') || 'quiet';
}

const allSeries = loadLabelledSeries();
const alarmsOf = new Map(
  RULES.map((rule) => [rule, new Map(allSeries.map((series) => [series, rule.detect(series)]))]),
);

console.log(row(['series', 'steps', 'spikes', ...RULES.map(({ name }) => name)]));
console.log(row(['---', '---', '---', ...RULES.map(() => '---')]));
for (const series of allSeries) {
  const verdicts = RULES.map((rule) => describe(alarmsOf.get(rule)?.get(series) ?? null, series));
  console.log(
    row([
      `${series.group}: ${series.name}`,
      String(series.points.length),
      series.spikes.join(', '),
      ...verdicts,
    ]),
  );
}

for (const groups of [GROUPS.slice(0, 4), GROUPS.slice(0, 2), GROUPS.slice(4)]) {
  console.log(`\n${groups.join(', ')}`);
  console.log(
    row([
      'rule',
      'precision',
      'recall',
      'found',
      'false alarms',
      'in 10,000 steps',
      'onset error',
      'delay',
      'lead',
    ]),
  );
  console.log(row(new Array<string>(9).fill('---')));
  for (const rule of RULES) {
    const scores = allSeries.flatMap((series) => {
      const alarms = alarmsOf.get(rule)?.get(series) ?? null;
      const isIn = groups.some((group) => group === series.group);
      return alarms === null || !isIn ? [] : [scoreAlarms(alarms, series)];
    });
    console.log(summarise(rule.name, addScores(scores)));
  }
}
