import { LATEST_WALL_TIME } from '../contract/wall-time';

/** Whether a step's `wall_time` is a time, as `isWallTime` says; NULL or false where not. NaN is above all. */
export const hasTimeSql = (step: string): string =>
  `${step}.wall_time BETWEEN 0 AND ${LATEST_WALL_TIME}`;

/** When a step was: what the job said, else when it came. */
export const timeOfStep = (step: string): string =>
  `CASE WHEN ${hasTimeSql(step)}
    THEN to_timestamp(${step}.wall_time) ELSE ${step}.received_at END`;
