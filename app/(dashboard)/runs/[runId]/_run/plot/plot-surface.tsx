'use client';

import { useEffect, useRef, useState, type ReactNode } from 'react';
import {
  clampWindow,
  panWindow,
  pinchWindow,
  zoomWindow,
  type Grip,
  type StepAxis,
} from '@/lib/view/axes/step-axis';
import { nearestStepOf } from '../model/plot-readings';
import type { RunPlotModel } from '../model/run-view-model';
import { boxOf, layerAt, stepAt, type PlotGeometry, type Point } from './plot-geometry';
import styles from './plot.module.css';

/** A pointer that moved less between down and up has clicked, not dragged. */
const DRAG_STARTS_PX = 4;
/** One notch of a wheel (100 px) zooms by about a fifth. */
const ZOOM_PER_PIXEL = 0.002;

interface Drag {
  readonly start: Point;
  readonly end: Point;
}

/**
 * Where the pointer works: it moves the crosshair, drags a window, zooms with the wheel or
 * two fingers, resets with a double click. The charts under it get no events at all.
 */
export function PlotSurface({
  model,
  geometry,
  width,
  height,
  left,
  children,
}: {
  readonly model: RunPlotModel;
  readonly geometry: PlotGeometry;
  readonly width: number;
  readonly height: number;
  /** The plot begins here; what lies left of it are labels. */
  readonly left: number;
  readonly children: ReactNode;
}) {
  const { crosshair: store, firstStep, newestStep, onWindow } = model;
  const nearestStep = nearestStepOf(model);
  const surface = useRef<HTMLDivElement>(null);
  const touches = useRef(new Map<number, Point>());
  const pinch = useRef<{ readonly axis: StepAxis; readonly began: Grip } | null>(null);
  const [drag, setDrag] = useState<Drag | null>(null);
  const isRight = geometry.orientation === 'steps-right';

  const pointOf = (event: { readonly clientX: number; readonly clientY: number }): Point => {
    const box = surface.current?.getBoundingClientRect();
    return { x: event.clientX - (box?.left ?? 0), y: event.clientY - (box?.top ?? 0) };
  };
  const moveTo = (point: Point, isPinned: boolean) => {
    const layer = layerAt(geometry, point) ?? store.get()?.layer ?? geometry.layerOfRow[0] ?? 0;
    const step = nearestStep(stepAt(geometry, point));
    store.set({ step, layer, isPinned });
  };
  /** Where two fingers are along the steps; null with one, or with none. */
  const gripOf = (): Grip | null => {
    const [first, second, ...others] = touches.current.values();
    if (first === undefined || second === undefined || others.length > 0) return null;
    const { start, size } = geometry.stepLane;
    const share = ({ x, y }: Point) => ((isRight ? x : y) - start) / size;
    return { from: share(first), to: share(second) };
  };

  useEffect(() => {
    const element = surface.current;
    if (element === null) return;
    const onWheel = (event: WheelEvent) => {
      // Browsers keep Ctrl + wheel (and the pinch of a track pad) for the page: here it zooms too.
      event.preventDefault();
      const { axis } = geometry;
      const box = element.getBoundingClientRect();
      const point = { x: event.clientX - box.left, y: event.clientY - box.top };
      const sideways = event.shiftKey ? event.deltaY : event.deltaX;
      if (Math.abs(sideways) > (event.shiftKey ? 0 : Math.abs(event.deltaY))) {
        onWindow(panWindow(axis, geometry.stepLane.size, sideways, firstStep, newestStep));
        return;
      }
      const factor = Math.exp(event.deltaY * ZOOM_PER_PIXEL);
      onWindow(zoomWindow(axis, stepAt(geometry, point), factor, firstStep, newestStep));
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [geometry, firstStep, newestStep, onWindow]);

  const selection = drag === null ? null : dragBox(drag, geometry, isRight);

  return (
    <div
      ref={surface}
      className={styles['surface']}
      style={{ width, height }}
      role="application"
      data-plot
      aria-label={model.plotLabel}
      tabIndex={0}
      onPointerDown={(event) => {
        if (event.button !== 0 || isControl(event.target)) return;
        const point = pointOf(event);
        if (point.x < left) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        if (event.pointerType === 'touch') {
          touches.current.set(event.pointerId, point);
          const grip = gripOf();
          pinch.current = grip === null ? null : { axis: geometry.axis, began: grip };
          if (grip === null) moveTo(point, true);
        } else setDrag({ start: point, end: point });
      }}
      onPointerMove={(event) => {
        const point = pointOf(event);
        if (event.pointerType === 'touch') {
          if (!touches.current.has(event.pointerId)) return;
          touches.current.set(event.pointerId, point);
          const grip = gripOf();
          if (grip === null) moveTo(point, true);
          else if (pinch.current !== null) {
            const { axis, began } = pinch.current;
            onWindow(pinchWindow(axis, began, grip, firstStep, newestStep));
          }
          return;
        }
        if (drag !== null) setDrag({ ...drag, end: point });
        else if (point.x >= left && store.get()?.isPinned !== true) moveTo(point, false);
      }}
      onPointerUp={(event) => {
        touches.current.delete(event.pointerId);
        if (drag === null) return;
        setDrag(null);
        const distance = isRight ? drag.end.x - drag.start.x : drag.end.y - drag.start.y;
        if (Math.abs(distance) < DRAG_STARTS_PX) {
          const before = store.get();
          moveTo(drag.start, true);
          const after = store.get();
          // A click on the pinned cell lets go of it.
          const isSame =
            before?.isPinned === true &&
            before.step === after?.step &&
            before.layer === after.layer;
          if (isSame) store.set({ ...before, isPinned: false });
          return;
        }
        const steps = [stepAt(geometry, drag.start), stepAt(geometry, drag.end)];
        const window = { fromStep: Math.min(...steps), toStep: Math.max(...steps) };
        onWindow(clampWindow(window, firstStep, newestStep));
      }}
      onPointerCancel={(event) => {
        touches.current.delete(event.pointerId);
        setDrag(null);
      }}
      onDoubleClick={() => onWindow(null)}
    >
      {children}
      {selection === null ? null : <div className={styles['selection']} style={selection} />}
    </div>
  );
}

/** Buttons and links on the plot, such as the marks over it, are used by themselves. */
function isControl(target: EventTarget): boolean {
  return target instanceof Element && target.closest('a, button, select') !== null;
}

function dragBox({ start, end }: Drag, geometry: PlotGeometry, isRight: boolean) {
  const { stepLane, crossLane } = geometry;
  const clamp = (at: number) =>
    Math.min(stepLane.start + stepLane.size, Math.max(stepLane.start, at));
  const from = clamp(isRight ? Math.min(start.x, end.x) : Math.min(start.y, end.y));
  const to = clamp(isRight ? Math.max(start.x, end.x) : Math.max(start.y, end.y));
  if (to - from < DRAG_STARTS_PX) return null;
  return boxOf(geometry, { start: from, size: to - from }, crossLane);
}
