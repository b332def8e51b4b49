import type { HeatmapColumns } from '@/lib/contract/heatmap-columns';
import type { LiveEvent, LiveRun } from '@/lib/contract/live';
import { fitColourScale, type ColourScale } from '@/lib/view/colours/colour-scale';
import { reduceOf, type ColumnShows } from '@/lib/view/colours/column-shows';
import type { MetricOption } from '@/lib/view/heatmap/metric-options';
import type { StepWindow } from '@/lib/view/axes/step-axis';
import { ApiFailure } from '@/app/_hooks/api-client';
import { LiveConnection, type ConnectionState } from './live-connection';
import { RunData } from './run-data';
import { readHeatmap, readTimeline, wholeRunColumns, type StepRange } from './run-reads';
import { TileStore } from './tile-store';
import { isDetailOf, WindowTimelines, type WindowDetail } from './window-timelines';

const TIMELINE_POINTS = 1000;
/** The colour scale follows the data of a run this young, then stands still under its viewer. */
const SCALE_SETTLES_AFTER_COLUMNS = 200;
/** A step may be without some of its layers until so many have followed, as detectors wait for its shards. */
const UNSETTLED_STEPS = 64;
/** A loss that came as NaN over the socket is read over HTTP, which tells NaN from missing. */
const TIMELINE_REREAD_MS = 1000;

export interface SessionSnapshot {
  readonly phase: 'loading' | 'ready' | 'failed';
  readonly error: ApiFailure | null;
  readonly connection: ConnectionState;
  /** Steps still to be read after an interruption; null when none are missing. */
  readonly catchingUpSteps: number | null;
  readonly base: RunData;
  /** Finer timelines of a window where those of the whole run are in buckets. */
  readonly detail: WindowDetail | null;
  readonly scale: ColourScale;
  readonly lastFrameAtMs: number | null;
  /** Rises with every change of anything here. */
  readonly version: number;
}

export interface SessionRun {
  readonly runId: string;
  readonly layerCount: number;
  readonly option: Pick<MetricOption, 'stored' | 'scale'>;
  readonly level: ColourScale['level'];
  readonly layerFactors: Float64Array | null;
  readonly shows: ColumnShows;
}

const failureOf = (cause: unknown): ApiFailure =>
  cause instanceof ApiFailure
    ? cause
    : new ApiFailure('unexpected', cause instanceof Error ? cause.message : String(cause), null);

/**
 * One metric of one run as a viewer holds it: first reads over HTTP, then columns from the
 * socket, merged where they belong. Lives outside React, which is told at most once a
 * drawn frame.
 *
 * Order of things: read all → subscribe → read what was committed in between, holding live
 * columns back until it is there → take them as they come; after a gap the same again.
 */
export class RunSession {
  private readonly run: SessionRun;
  private readonly onRun: (run: LiveRun) => void;
  private readonly onEvent: (event: LiveEvent) => void;
  private readonly listeners = new Set<() => void>();
  private snapshot: SessionSnapshot;
  private live: LiveConnection | null = null;
  private abort = new AbortController();
  private readonly tiles: TileStore;
  private readonly windowTimelines: WindowTimelines;
  private attempt: number | null = null;
  private heldBack: HeatmapColumns[] | null = null;
  /** Counts reads: one that another has followed leaves what is held to it. */
  private reading = 0;
  /** Columns were missed while a read was under way, which may have been answered before them. */
  private hasMissed = false;
  private frame: number | null = null;
  private rereadTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(run: SessionRun, onRun: (run: LiveRun) => void, onEvent: (event: LiveEvent) => void) {
    this.run = run;
    this.onRun = onRun;
    this.onEvent = onEvent;
    this.tiles = new TileStore({
      layerCount: run.layerCount,
      layerFactors: run.layerFactors,
      shows: run.shows,
      base: () => this.snapshot.base.columns,
      read: (window, columns, signal) => this.readColumns(window, columns, signal),
      onChange: () => {
        this.snapshot.base.columns.markFinerChanged();
        this.update({});
      },
      onFailure: (cause) => this.update({ error: failureOf(cause) }),
    });
    this.windowTimelines = new WindowTimelines({
      read: (window, signal) => readTimeline(run.runId, window, TIMELINE_POINTS, signal),
      onRead: (window, timeline) => {
        const { columns } = this.snapshot.base;
        const data = new RunData(run.layerCount, run.layerFactors, run.shows, columns);
        data.replaceTimeline(timeline);
        this.update({ detail: { window, data } });
      },
      onFailure: (cause) => this.update({ error: failureOf(cause) }),
    });
    this.snapshot = {
      phase: 'loading',
      error: null,
      connection: { kind: 'connecting' },
      catchingUpSteps: null,
      base: this.emptyData(),
      detail: null,
      scale: fitColourScale(new Uint16Array(0), run.option.scale, run.level, run.shows),
      lastFrameAtMs: null,
      version: 0,
    };
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly getSnapshot = (): SessionSnapshot => this.snapshot;

  /** Reads and connects; the returned function ends both. May be called again after it. */
  readonly start = (): (() => void) => {
    this.abort = new AbortController();
    void this.readAll();
    return () => {
      this.abort.abort();
      this.reading++;
      this.heldBack = null;
      this.hasMissed = false;
      this.windowTimelines.drop();
      this.tiles.stop();
      this.live?.stop();
      this.live = null;
      if (this.frame !== null) cancelAnimationFrame(this.frame);
      this.frame = null;
      if (this.rereadTimer !== null) clearTimeout(this.rereadTimer);
      this.rereadTimer = null;
    };
  };

  readonly retry = (): void => {
    this.update({ phase: 'loading', error: null });
    void this.readAll();
  };

  readonly reconnect = (): void => this.live?.retryNow();

  /** Fits the colour scale to all there is, on request of its viewer. */
  readonly refitScale = (): void => {
    const { base } = this.snapshot;
    this.update({
      scale: this.fitScale(base),
    });
  };

  /** Reads a window's timelines finer where those of the whole run are in buckets; null lets go of it. */
  readonly showWindow = (window: StepWindow | null): void => {
    this.windowTimelines.drop();
    const { base, detail, phase } = this.snapshot;
    if (window === null) {
      if (detail !== null) this.update({ detail: null });
    } else if (phase === 'ready' && !base.isExactWithin(window) && !isDetailOf(detail, window)) {
      this.windowTimelines.want(window);
    }
  };

  private fitScale({ columns }: RunData): ColourScale {
    const { option, level, shows } = this.run;
    return fitColourScale(columns.codes, option.scale, level, shows);
  }

  private emptyData(): RunData {
    const data = new RunData(this.run.layerCount, this.run.layerFactors, this.run.shows);
    data.columns.finer = this.tiles;
    return data;
  }

  private readRange(range: StepRange, signal: AbortSignal) {
    const { runId, layerCount } = this.run;
    return Promise.all([
      this.readColumns(range, wholeRunColumns(layerCount), signal),
      readTimeline(runId, range, TIMELINE_POINTS, signal),
    ]);
  }

  private readColumns(range: StepRange, columns: number, signal: AbortSignal) {
    const { runId, option, shows } = this.run;
    return readHeatmap(runId, option.stored, range, columns, signal, { reduce: reduceOf(shows) });
  }

  private async readAll(): Promise<void> {
    const { signal } = this.abort;
    const reading = ++this.reading;
    const base = this.emptyData();
    // What comes meanwhile may be missing in the reply: it is added to it. What came before
    // was committed before, and may be of an attempt that is hidden by now.
    this.heldBack = [];
    this.hasMissed = false;
    try {
      base.replace(...(await this.readRange({ fromStep: null, toStep: null }, signal)));
      await this.readMissed(base, reading, signal);
    } catch (cause) {
      if (reading !== this.reading) return;
      this.heldBack = null;
      this.update({ phase: 'failed', error: failureOf(cause) });
      return;
    }
    if (reading !== this.reading) return;
    const held = this.takeHeldBack();
    this.tiles.clear();
    this.update({
      phase: 'ready',
      error: null,
      catchingUpSteps: null,
      base,
      detail: null,
      scale: this.fitScale(base),
    });
    for (const columns of held) this.takeLive(columns);
    this.connect();
  }

  private connect(): void {
    if (this.live !== null) return;
    this.live = new LiveConnection(this.run.runId, this.run.option.stored, {
      newestStep: () => this.snapshot.base.columns.newestStep ?? -1,
      onState: (connection) => this.update({ connection }),
      onSubscribed: (serverNewest, attempt) => {
        if (this.followAttempt(attempt)) void this.catchUp(serverNewest);
      },
      onColumns: ({ columns, attempt, hasGap }) => {
        // What an older attempt still posts is hidden by the newer one.
        if (this.attempt !== null && attempt < this.attempt) return;
        if (!this.followAttempt(attempt)) return;
        if (hasGap) void this.catchUp(columns.toStep.at(-1) ?? 0);
        this.takeLive(columns);
      },
      onRun: (run) => {
        this.followAttempt(run.attempt);
        this.onRun(run);
      },
      onEvent: this.onEvent,
    });
    this.live.start();
  }

  /** False when a newer attempt begins: it hides steps that are drawn, so all is read again. */
  private followAttempt(attempt: number): boolean {
    const isNewer = this.attempt !== null && attempt > this.attempt;
    this.attempt = Math.max(attempt, this.attempt ?? 0);
    if (isNewer) void this.readAll();
    return !isNewer;
  }

  private takeLive(columns: HeatmapColumns): void {
    if (columns.layerCount !== this.run.layerCount) return;
    if (this.heldBack !== null) {
      this.heldBack.push(columns);
      return;
    }
    const { base, detail } = this.snapshot;
    const newestBefore = base.columns.newestStep ?? -1;
    const lacksLoss = base.appendLive(columns);
    this.tiles.appendLive(columns, newestBefore);
    if (detail !== null && (columns.fromStep[0] ?? Infinity) <= detail.window.toStep) {
      detail.data.appendLiveScalars(columns);
    }
    if (lacksLoss) this.rereadTimelineSoon();
    const isYoung = base.columns.columnCount <= SCALE_SETTLES_AFTER_COLUMNS;
    this.update({
      lastFrameAtMs: Date.now(),
      ...(isYoung ? { scale: this.fitScale(base) } : {}),
    });
  }

  private takeHeldBack(): HeatmapColumns[] {
    const held = this.heldBack ?? [];
    this.heldBack = null;
    return held;
  }

  private async catchUp(serverNewest: number): Promise<void> {
    this.hasMissed = true;
    if (this.heldBack !== null) return;
    this.heldBack = [];
    const reading = ++this.reading;
    const { base } = this.snapshot;
    const newest = base.columns.newestStep ?? -1;
    this.update({ catchingUpSteps: Math.max(0, serverNewest - newest) });
    try {
      await this.readMissed(base, reading, this.abort.signal);
    } catch (cause) {
      // The held columns are still good; what is missing comes with the next gap or reload.
      if (reading === this.reading) this.update({ error: failureOf(cause) });
    }
    if (reading !== this.reading) return;
    for (const columns of this.takeHeldBack()) this.takeLive(columns);
    this.update({ catchingUpSteps: null });
  }

  /**
   * Reads behind what `base` has, again while more was missed meanwhile; and the last of what it
   * has, since ranks that post their own layers may have filled these steps in.
   */
  private async readMissed(base: RunData, reading: number, signal: AbortSignal): Promise<void> {
    while (this.hasMissed && reading === this.reading) {
      this.hasMissed = false;
      const newest = base.columns.newestStep ?? -1;
      const unsettled = { fromStep: Math.max(0, newest - UNSETTLED_STEPS + 1), toStep: newest };
      const [rest, filledIn] = await Promise.all([
        this.readRange({ fromStep: newest + 1, toStep: null }, signal),
        newest < 0 ? null : this.readColumns(unsettled, UNSETTLED_STEPS, signal),
      ]);
      if (reading !== this.reading) return;
      if (filledIn !== null) base.columns.append(filledIn);
      base.appendRead(...rest);
      this.tiles.markStale(unsettled.fromStep);
    }
  }

  private rereadTimelineSoon(): void {
    this.rereadTimer ??= setTimeout(() => {
      this.rereadTimer = null;
      const { signal } = this.abort;
      const { base } = this.snapshot;
      readTimeline(this.run.runId, { fromStep: null, toStep: null }, TIMELINE_POINTS, signal).then(
        (timeline) => {
          base.replaceTimeline(timeline);
          this.update({});
        },
        (cause: unknown) => {
          if (!signal.aborted) this.update({ error: failureOf(cause) });
        },
      );
    }, TIMELINE_REREAD_MS);
  }

  /** Changes the snapshot at once and tells React with the next drawn frame. */
  private update(patch: Partial<SessionSnapshot>): void {
    this.snapshot = { ...this.snapshot, ...patch, version: this.snapshot.version + 1 };
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      for (const listener of this.listeners) listener();
    });
  }
}
