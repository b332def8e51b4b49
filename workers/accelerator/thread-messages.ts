import type { FrameStatistics, FrameStatisticsInput } from '../../lib/stats/frame-statistics';
import type { HistogramShapes, ShapesInput } from '../../lib/stats/histogram-shapes';
import type { PassedOver } from './choose-backend';
import type { ShapesChoice } from './choose-shapes';
import type { BackendName } from './statistics-backend';

/** What crosses between the worker and its statistics thread, which starts with a BackendChoice. */
type Columns = 'gradient' | 'firstMoment' | 'secondMoment' | 'previousGradient';

export type ThreadRequest =
  | {
      readonly kind: 'compute';
      readonly id: number;
      readonly options: Omit<FrameStatisticsInput, Columns>;
      readonly hasPrevious: boolean;
      /** [3 or 4 columns · L · S] float32, moved there and back again. */
      readonly slab: ArrayBuffer;
    }
  /** Copies of the caller's arrays: they stay with the thread. */
  | { readonly kind: 'computeShapes'; readonly id: number; readonly input: ShapesInput }
  | { readonly kind: 'close' };

export interface BackendNote {
  readonly backend: BackendName;
  readonly device: string;
}

export type ThreadReply =
  | ({
      readonly kind: 'ready';
      readonly passedOver: readonly PassedOver[];
      readonly shapes: ShapesChoice;
    } & BackendNote)
  /** From here on the thread uses this one. */
  | ({ readonly kind: 'fellBack'; readonly reason: string } & BackendNote)
  | {
      readonly kind: 'computed';
      readonly id: number;
      readonly statistics: FrameStatistics;
      readonly hostRowCount: number;
      readonly slab: ArrayBuffer;
    }
  | {
      readonly kind: 'computedShapes';
      readonly id: number;
      readonly shapes: HistogramShapes;
      readonly hostRowCount: number;
    }
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly message: string;
      /** null where the request had none. */
      readonly slab: ArrayBuffer | null;
    };

/** How many columns of L · S values a frame's slab holds. */
export function columnCountOf(hasPrevious: boolean): number {
  return hasPrevious ? 4 : 3;
}
