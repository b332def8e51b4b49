import type { Distribution, ReferenceCurves } from '../../contract/reads';
import { formatFixed, formatStep } from '../../view/text/format-number';
import type { LayerDistributions } from '../facts';
import { escapeXml } from './escape-xml';
import { px, svg } from './svg-timeline';

const PANEL_WIDTH = 258;
const PANEL_HEIGHT = 92;
const GAP = 16;
/** r never leaves ±1.2 with usual betas, and u less. */
const LEAST_LIMIT = 1.2;

/** u and r of one layer, a column a step: before, at and after. */
export function drawDistributions(
  name: string,
  { items, referenceCurves }: LayerDistributions,
): string {
  const kinds = (['update', 'ratio'] as const).filter((kind) =>
    items.some(({ distributions }) => distributions.some((entry) => entry.kind === kind)),
  );
  if (kinds.length === 0) return '';
  const limit = limitOf(items.flatMap(({ distributions }) => distributions));
  const panels = kinds.flatMap((kind, row) =>
    items.map(({ step, distributions }, column) => {
      const distribution = distributions.find((entry) => entry.kind === kind);
      const label = `${kind === 'update' ? 'u' : 'r'} at ${formatStep(step)}`;
      const transform = `translate(${column * (PANEL_WIDTH + GAP)} ${row * (PANEL_HEIGHT + 30)})`;
      return `<g transform="${transform}">${drawPanel(label, distribution, limit, referenceCurves)}</g>`;
    }),
  );
  const title = `Distributions of u and r of ${name} at steps ${items.map(({ step }) => step).join(', ')}`;
  return svg(
    items.length * (PANEL_WIDTH + GAP) - GAP,
    kinds.length * (PANEL_HEIGHT + 30),
    title,
    panels.join(''),
  );
}

function limitOf(distributions: readonly Distribution[]): number {
  let limit = LEAST_LIMIT;
  for (const { edges, counts } of distributions) {
    counts.forEach((count, bin) => {
      if (count === 0) return;
      limit = Math.max(limit, Math.abs(edges[bin] ?? 0), Math.abs(edges[bin + 1] ?? 0));
    });
  }
  return limit;
}

function drawPanel(
  label: string,
  distribution: Distribution | undefined,
  limit: number,
  { healthyStd, markers }: ReferenceCurves,
): string {
  const x = (value: number): number => ((value + limit) / (2 * limit)) * PANEL_WIDTH;
  const base = PANEL_HEIGHT;
  const title = `<text x="0" y="10" style="font-weight:600">${escapeXml(label)}</text>`;
  const axis = `<path d="M0 ${base}H${PANEL_WIDTH}" stroke="var(--line2)"/>${[-1, 0, 1]
    .map(
      (at) =>
        `<text x="${px(x(at))}" y="${base + 13}" text-anchor="middle">${at === -1 ? '−1' : at}</text>`,
    )
    .join('')}`;
  if (distribution === undefined) return `${title}<text x="0" y="40">not reported</text>${axis}`;
  const { edges, counts, zeros } = distribution;
  const total = counts.reduce((sum, count) => sum + count, zeros);
  const densities = counts.map((count, bin) => {
    const width = (edges[bin + 1] ?? 0) - (edges[bin] ?? 0);
    return width > 0 && total > 0 ? count / total / width : 0;
  });
  const normal = (at: number, std: number): number =>
    Math.exp(-0.5 * (at / std) ** 2) / (std * Math.sqrt(2 * Math.PI));
  const healthy = healthyStd !== null && healthyStd > 0 ? healthyStd : null;
  const top = Math.max(...densities, healthy === null ? 0 : normal(0, healthy), 1e-9) * 1.05;
  const y = (density: number): number => base - (density / top) * (base - 18);
  const bars = densities
    .map((density, bin) =>
      density === 0
        ? ''
        : `<rect x="${px(x(edges[bin] ?? 0))}" y="${px(y(density))}" width="${px(Math.max(0.5, x(edges[bin + 1] ?? 0) - x(edges[bin] ?? 0)))}" height="${px(base - y(density))}" fill="var(--bars)"/>`,
    )
    .join('');
  const curve =
    healthy === null
      ? ''
      : `<path d="${Array.from({ length: 81 }, (_, i) => {
          const at = -limit + (i / 80) * 2 * limit;
          return `${i === 0 ? 'M' : 'L'}${px(x(at))} ${px(y(normal(at, healthy)))}`;
        }).join('')}" fill="none" stroke="var(--ok)" stroke-dasharray="4 3"/>`;
  const places = markers
    .filter(({ at, kind }) => at > 0 && at < limit && kind !== 'stale_step')
    .flatMap(({ at, kind }) =>
      [at, -at].map(
        (place) =>
          `<path d="M${px(x(place))} 16V${base}" stroke="var(--${kind === 'single_burst' ? 'rms' : 'line2'})"${kind === 'single_burst' ? ' stroke-dasharray="2 3"' : ''}/>`,
      ),
    )
    .join('');
  const share = total > 0 ? zeros / total : 0;
  const zero =
    share >= 0.01
      ? `<text x="${PANEL_WIDTH}" y="10" text-anchor="end">${formatFixed(share * 100, 0)} % exactly 0</text>`
      : '';
  return places + bars + curve + axis + title + zero;
}
