'use client';

import {
  ALIGNED_GUTTER,
  formatRelative,
  prepareAligned,
  type AlignedLaneInput,
  type AlignedWindow,
} from '@/lib/view/comparison/aligned-comparison';
import { bucketsTable } from '@/lib/view/timelines/timeline-table';
import { nameSide } from '@/lib/view/comparison/comparison-words';
import { formatStep } from '@/lib/view/text/format-number';
import { ChartMenu } from '@/app/_components/chart-menu/chart-menu';
import { fileNameOf, type ChartSubject } from '@/app/_components/chart-menu/chart-subject';
import { useElementSize } from '@/app/_hooks/use-element-size';
import type { SideData } from './use-side';
import styles from './compare.module.css';

/** Draws both courses over each other: order, scales and words come from lib/view. */
export function AlignedFigure({
  left,
  right,
  window,
  layerLabel,
}: {
  readonly left: SideData;
  readonly right: SideData;
  readonly window: AlignedWindow;
  /** null: no layer is chosen. */
  readonly layerLabel: string | null;
}) {
  const [ref, size] = useElementSize();
  const width = size?.width ?? 0;
  const courses = (of: (side: SideData) => SideData['layer']) =>
    (
      [
        ['right', right],
        ['left', left],
      ] as const
    ).map(([side, data]) => ({ side, step: data.step, points: of(data) }));
  const lanes: AlignedLaneInput[] = [
    { key: 'loss', label: 'Loss', height: 150, courses: courses(({ loss }) => loss) },
    {
      ...{ key: 'gradient_norm', label: 'Grad norm', height: 96 },
      courses: courses(({ gradientNorm }) => gradientNorm),
    },
    ...(layerLabel === null
      ? []
      : [
          {
            ...{ key: 'layer', label: layerLabel, height: 96 },
            courses: courses(({ layer }) => layer),
          },
        ]),
  ];
  const chart = prepareAligned(
    lanes,
    window,
    width,
    [left, right].flatMap((data, index) => {
      const mover = data.spike?.firstMovers.reduce<number | null>(
        (first, { step }) => (first === null || step < first ? step : first),
        null,
      );
      if (mover === undefined || mover === null) return [];
      const side = index === 0 ? ('left' as const) : ('right' as const);
      const at = mover - data.step;
      return [
        {
          side,
          at,
          title: `first movers of ${nameSide(data, index === 0 ? right : left)} at ${formatRelative(at)}`,
        },
      ];
    }),
  );
  const heading = `${left.run.name} at ${formatStep(left.step)} and ${right.run.name} at ${formatStep(right.step)}`;
  const subject = (button: HTMLElement): ChartSubject | null => {
    const root = button.closest('figure')?.querySelector<HTMLElement>('[data-picture]') ?? null;
    if (root === null) return null;
    return {
      heading,
      fileName: fileNameOf('comparison', left.run.id, right.run.id),
      table: bucketsTable(
        heading,
        'series',
        [left, right].flatMap((data, index) => {
          const name = `${index === 0 ? 'left' : 'right'}, ${data.run.id} attempt ${data.side.attempt}`;
          return [
            { name: `loss, ${name}`, points: data.loss },
            { name: `gradient_norm, ${name}`, points: data.gradientNorm },
            ...(typeof data.layer === 'string' || data.layer.length === 0 || layerLabel === null
              ? []
              : [{ name: `${layerLabel}, ${name}`, points: data.layer }]),
          ];
        }),
      ),
      paths: [...left.paths, ...right.paths],
      bands: [{ root }],
    };
  };
  return (
    <figure className={styles['figure']} aria-label="Both courses">
      <div ref={ref} data-picture>
        {width === 0 ? null : (
          <svg
            width={chart.width}
            height={chart.height}
            role="img"
            aria-label={`Loss and gradient norm of ${heading}, aligned there`}
          >
            {chart.lanes.map(({ key, label, top, ticks, lines, emptyReason }) => (
              <g key={key}>
                {ticks.map(({ at, tick }) => (
                  <g key={tick.value}>
                    <line
                      x1={ALIGNED_GUTTER}
                      x2={width}
                      y1={at}
                      y2={at}
                      className={styles['grid']}
                    />
                    <text x={ALIGNED_GUTTER - 6} y={at + 4} textAnchor="end">
                      {tick.text}
                      {tick.exponent === null ? null : (
                        <tspan dy={-4} fontSize={8}>
                          {tick.exponent}
                        </tspan>
                      )}
                    </text>
                  </g>
                ))}
                <text x={ALIGNED_GUTTER} y={top - 3} className={styles['lane_name']}>
                  {label}
                </text>
                {emptyReason === null ? null : (
                  <text x={ALIGNED_GUTTER} y={top + 24}>
                    {emptyReason}
                  </text>
                )}
                {lines.map(({ side, path, nonFinite }) => (
                  <g key={side}>
                    <path d={path} className={styles[side]} />
                    {nonFinite.map((at) => (
                      <path
                        key={at}
                        transform={`translate(${at.toFixed(1)} ${top + 6})`}
                        d="m-3-3 6 6m0-6-6 6"
                        stroke="var(--divergence)"
                        strokeWidth={1.5}
                      />
                    ))}
                  </g>
                ))}
              </g>
            ))}
            {chart.marks.map(({ side, x, title }) => (
              <line
                key={side}
                x1={x}
                x2={x}
                y1={chart.lanes[0]?.top ?? 0}
                y2={chart.lanes.at(-1)?.bottom ?? 0}
                className={styles['mark']}
                data-side={side}
              >
                <title>{title}</title>
              </line>
            ))}
            <line
              x1={chart.zero}
              x2={chart.zero}
              y1={chart.lanes[0]?.top ?? 0}
              y2={chart.lanes.at(-1)?.bottom ?? 0}
              className={styles['zero']}
            />
            {chart.stepTicks.map(({ at, tick }) => (
              <text key={tick.value} x={at} y={chart.height - 4} textAnchor="middle">
                {tick.text}
              </text>
            ))}
          </svg>
        )}
      </div>
      <figcaption className={styles['caption']}>
        0 is step {formatStep(left.step)} of {left.run.name}, attempt {left.side.attempt}, and in
        blue step {formatStep(right.step)} of {right.run.name}, attempt {right.side.attempt}
        {chart.marks.length === 0
          ? ''
          : `; dotted: ${chart.marks.map(({ title }) => title).join(', ')}`}
        .
        <ChartMenu name="Both courses" subject={subject} />
      </figcaption>
    </figure>
  );
}
