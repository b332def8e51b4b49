import { describe, expect, it } from 'vitest';
import { frameHeaders } from '@/workers/access/frames';

const headers = (query: string, origins: readonly string[] = []) =>
  frameHeaders(new URLSearchParams(query), origins);

describe('a page within a frame', () => {
  it.each(['', 'embed=0', 'embed=', 'metric=rms'])('is refused everywhere with "%s"', (query) => {
    expect(headers(query, ['https://wiki.example'])).toEqual({
      'Content-Security-Policy': "frame-ancestors 'none'",
      'X-Frame-Options': 'DENY',
    });
  });

  it('is shown by our own pages when it is made for it', () => {
    expect(headers('embed=1')).toEqual({
      'Content-Security-Policy': "frame-ancestors 'self'",
      'X-Frame-Options': 'SAMEORIGIN',
    });
  });

  it('is shown by the origins of the settings, and the older header stays out of the way', () => {
    expect(
      headers('metric=rms&embed=1', ['https://wiki.example', 'https://b.example:8443']),
    ).toEqual({
      'Content-Security-Policy':
        "frame-ancestors 'self' https://wiki.example https://b.example:8443",
    });
  });
});
