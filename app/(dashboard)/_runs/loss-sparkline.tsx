'use client';

import { useEffect, useRef, useState } from 'react';
import { prepareTrace, stepToX, type TracePoint } from '@/lib/view/timelines/trace';
import { SparklineLink } from '@/app/_components/sparkline-link';
import { useLossPoints, useSpikeOnsets } from './use-loss-points';

const WIDTH = 168;
const HEIGHT = 26;
const INSET = 2;
/** Noise of a pixel and a half is drawn as its mean: teeth would look like data. */
const RESOLUTION = 1.5 / (HEIGHT - 2 * INSET);
/** Marks nearer than this would lie on each other. */
const MARK_WIDTH = 5 / (WIDTH - 2 * INSET);

const x = (share: number) => (INSET + share * (WIDTH - 2 * INSET)).toFixed(1);
const y = (share: number) => (HEIGHT - INSET - share * (HEIGHT - 2 * INSET)).toFixed(1);

function toPath(segments: readonly (readonly TracePoint[])[]): string {
  return segments
    .map((points) => points.map((point, i) => `${i === 0 ? 'M' : 'L'}${x(point.x)} ${y(point.y)}`))
    .flat()
    .join('');
}

/** Places on the line, 0 to 1 and ascending, without those that would lie on one before. */
function spread(places: readonly number[]): readonly number[] {
  const kept: number[] = [];
  for (const at of places) {
    if (at >= 0 && at <= 1 && at - (kept.at(-1) ?? -1) >= MARK_WIDTH) kept.push(at);
  }
  return kept;
}

/** The whole loss of a run between its own extremes, with a mark where each spike begins. */
export function LossSparkline({
  runId,
  name,
  lastStep,
  spikeCount,
}: {
  readonly runId: string;
  readonly name: string;
  readonly lastStep: number | null;
  /** Loss spikes and divergences. */
  readonly spikeCount: number;
}) {
  const box = useRef<HTMLSpanElement>(null);
  const [isSeen, setIsSeen] = useState(false);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new IntersectionObserver(
      ([entry]) => setIsSeen(entry?.isIntersecting ?? false),
      { rootMargin: '200px' },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const points = useLossPoints(runId, lastStep, isSeen);
  const onsets = useSpikeOnsets(runId, spikeCount, isSeen);
  const first = points?.[0];
  const last = points?.at(-1);
  const window =
    first === undefined || last === undefined
      ? null
      : { fromStep: first.fromStep, toStep: last.toStep };
  const trace =
    points === null || window === null ? null : prepareTrace(points, window, 'linear', RESOLUTION);
  return (
    <span ref={box} style={{ display: 'block', width: WIDTH, height: HEIGHT }}>
      {trace === null || window === null ? null : (
        <SparklineLink href={`/runs/${encodeURIComponent(runId)}`}>
          <svg width={WIDTH} height={HEIGHT} role="img" aria-label={`Loss of ${name}`}>
            <path
              d={toPath(trace.segments)}
              fill="none"
              stroke="var(--trace)"
              strokeWidth={1}
              strokeLinejoin="round"
            />
            {trace.segments
              .filter((segment) => segment.length === 1)
              .map(([point]) =>
                point === undefined ? null : (
                  <circle
                    key={point.x}
                    cx={x(point.x)}
                    cy={y(point.y)}
                    r={1.5}
                    fill="var(--trace)"
                  />
                ),
              )}
            {spread(onsets.map((onset) => stepToX(window, onset))).map((at) => (
              <path
                key={at}
                data-mark="spike"
                transform={`translate(${x(at)} ${HEIGHT})`}
                d="m-3 0 3-5.5 3 5.5z"
                fill="var(--loss-spike)"
              />
            ))}
            {spread(trace.nonFinite).map((at) => (
              <path
                key={at}
                transform={`translate(${x(at)} 5)`}
                d="m-2.5-2.5 5 5m0-5-5 5"
                stroke="var(--divergence)"
                strokeWidth={1.5}
              />
            ))}
          </svg>
        </SparklineLink>
      )}
    </span>
  );
}
