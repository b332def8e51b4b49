import { describe, expect, it } from 'vitest';
import { expiredSessionCookie, readToken, sessionCookie } from '@/workers/access/session-cookie';

describe('the session cookie', () => {
  it('comes back as the token it was made of', () => {
    const cookie = sessionCookie('sps_a_b+c/=', false);
    expect(cookie).toContain('HttpOnly');
    expect(cookie).toContain('SameSite=Lax');
    expect(cookie).not.toContain('Secure');
    expect(readToken({ cookie: `theme=dark; ${cookie.split(';')[0]}` })).toBe('sps_a_b+c/=');
  });

  it('is kept to TLS where the browser came over TLS', () => {
    expect(sessionCookie('t', true)).toMatch(/; Secure$/);
  });

  it('gives way to an Authorization header', () => {
    expect(readToken({ authorization: 'Bearer one', cookie: 'spikescope_session=two' })).toBe(
      'one',
    );
  });

  it.each([
    [{}],
    [{ cookie: 'other=1' }],
    [{ cookie: 'spikescope_session=' }],
    [{ cookie: 'spikescope_session=%' }],
    [{ authorization: 'Basic abc' }],
  ])('is no token in %j', (headers) => {
    expect(readToken(headers)).toBeNull();
  });

  it('ends at sign-out', () => {
    expect(expiredSessionCookie()).toContain('Max-Age=0');
  });
});
