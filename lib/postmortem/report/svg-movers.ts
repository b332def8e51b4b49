import type { Postmortem } from '../../contract/postmortem';
import { formatFactor, formatStep } from '../../view/text/format-number';
import { escapeXml } from './escape-xml';
import { CELL_SHADES } from './report-style';
import { px, svg } from './svg-timeline';

const MOST_ROWS = 24;
const NAME_WIDTH = 180;
const CELL_HEIGHT = 14;
const WIDTH = 812;
/** Below this factor a row that hardly moved would be stretched over all shades. */
const LEAST_TOP = 10;

/** The first movers over the steps around the rise, each against its own median; '' where there is nothing to draw. */
export function drawMovers({ movers, moverSteps, spike }: Postmortem): string {
  const rows = movers.slice(0, MOST_ROWS).filter(({ usual }) => usual !== null && usual > 0);
  if (rows.length === 0 || moverSteps.length === 0) return '';
  const cellWidth = Math.min(28, (WIDTH - NAME_WIDTH - 60) / moverSteps.length);
  const factors = rows.map(({ recent, usual }) =>
    recent.map((value) => (value === null || usual === null ? null : value / usual)),
  );
  const top = Math.max(LEAST_TOP, ...factors.flat().map((factor) => factor ?? 0));
  const cells = rows.map((mover, row) => {
    const y = row * CELL_HEIGHT;
    const squares = factors[row]?.map((factor, column) => {
      const x = NAME_WIDTH + column * cellWidth;
      const shade = shadeOf(factor, top);
      const fill = shade === null ? 'var(--line)' : `var(--s${shade})`;
      return `<rect x="${px(x)}" y="${y}" width="${px(cellWidth)}" height="${CELL_HEIGHT - 1}" fill="${fill}"/>`;
    });
    const lead = `<text x="${px(NAME_WIDTH + moverSteps.length * cellWidth + 8)}" y="${y + 10}">${mover.leadSteps === 0 ? 'with it' : `−${mover.leadSteps}`}</text>`;
    return `<text x="${NAME_WIDTH - 8}" y="${y + 10}" text-anchor="end">${escapeXml(shorten(mover.name))}</text>${squares?.join('') ?? ''}${lead}`;
  });
  const rise = moverSteps.findIndex((step) => step >= (spike.riseStep ?? spike.onsetStep));
  const height = rows.length * CELL_HEIGHT;
  const line =
    rise === -1
      ? ''
      : `<path d="M${px(NAME_WIDTH + rise * cellWidth)} 0V${height + 4}" stroke="var(--spike)" stroke-width="1.5"/>`;
  const first = moverSteps[0] ?? 0;
  const last = moverSteps.at(-1) ?? 0;
  const axis = `<text x="${NAME_WIDTH}" y="${height + 16}">${formatStep(first)}</text><text x="${px(NAME_WIDTH + moverSteps.length * cellWidth)}" y="${height + 16}" text-anchor="end">${formatStep(last)}</text>`;
  const title = `First movers from ${first} to ${last}, from their median to ${formatFactor(top)}`;
  return svg(WIDTH, height + 22, title, cells.join('') + line + axis);
}

/** Decades above the median; null where nothing was reported. */
function shadeOf(factor: number | null, top: number): number | null {
  if (factor === null || !(factor > 0)) return null;
  const share = Math.log(Math.max(1, factor)) / Math.log(top);
  return Math.min(CELL_SHADES - 1, Math.max(0, Math.round(share * (CELL_SHADES - 1))));
}

const shorten = (name: string): string => (name.length > 28 ? `…${name.slice(-27)}` : name);
