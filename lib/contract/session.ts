/** The cookie that holds a browser's token: set and taken back by the front door, unreadable for scripts. */
export const SESSION_COOKIE = 'spikescope_session';
