import { describe, expect, it } from 'vitest';
import {
  formatClockTime,
  formatWallTime,
  timeTicks,
  utcZone,
  zoneName,
  type ZoneOffset,
} from '@/lib/view/text/wall-time';

const NOON = Date.UTC(2026, 10, 22, 12, 0, 0) / 1000;
const india: ZoneOffset = () => 5.5 * 3600;
const newfoundland: ZoneOffset = () => -3.5 * 3600;

describe('wall times', () => {
  it('are written in the zone given, UTC by its name', () => {
    expect(formatClockTime(NOON + 62, india)).toBe('17:31:02');
    expect(formatWallTime(NOON + 62, india)).toBe('22 Nov 17:31:02');
    expect(formatWallTime(NOON, utcZone)).toBe('22 Nov 12:00:00 UTC');
  });

  it('name their zone by its distance to UTC', () => {
    expect(zoneName(NOON, utcZone)).toBe('UTC');
    expect(zoneName(NOON, () => 3600)).toBe('UTC+1');
    expect(zoneName(NOON, newfoundland)).toBe('UTC−3:30');
  });
});

describe('ticks of time', () => {
  const texts = (low: number, high: number, count: number, zone: ZoneOffset = utcZone) =>
    timeTicks(low, high, count, zone).map(({ text }) => text);

  it('stand on round times within the axis, no more than asked for', () => {
    expect(texts(NOON + 1, NOON + 58, 6)).toEqual([
      '12:00:10',
      '12:00:20',
      '12:00:30',
      '12:00:40',
      '12:00:50',
    ]);
    expect(texts(NOON, NOON + 1800, 4)).toEqual(['12:00', '12:10', '12:20', '12:30']);
  });

  it('are round in the reader’s zone where it is off by half an hour', () => {
    expect(texts(NOON, NOON + 4 * 3600, 4, india)).toEqual(['18:00', '19:00', '20:00', '21:00']);
  });

  it('name the day at midnight and over days', () => {
    expect(texts(NOON, NOON + 86_400, 4)).toEqual(['12:00', '18:00', '23 Nov', '06:00', '12:00']);
    expect(texts(NOON, NOON + 4 * 86_400, 5)).toEqual(['23 Nov', '24 Nov', '25 Nov', '26 Nov']);
  });

  it('keep to local hours over a change of daylight saving', () => {
    // Two hours after noon the clocks of this zone are set back by one.
    const zone: ZoneOffset = (seconds) => (seconds < NOON + 7200 ? 7200 : 3600);
    const ticks = timeTicks(NOON, NOON + 8 * 3600, 4, zone);
    expect(ticks.map(({ text }) => text)).toEqual(['14:00', '16:00', '18:00', '20:00']);
    expect(ticks.at(-1)?.seconds).toBe(NOON + 7 * 3600);
  });

  it('are none on an empty axis', () => {
    expect(timeTicks(5, 5, 4)).toEqual([]);
  });
});
