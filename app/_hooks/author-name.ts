'use client';

const AUTHOR_KEY = 'spikescope.author';

/** The name that somebody gave last in this browser. */
export function rememberedAuthor(): string {
  try {
    return window.localStorage.getItem(AUTHOR_KEY) ?? '';
  } catch {
    return '';
  }
}

export function rememberAuthor(author: string): void {
  try {
    window.localStorage.setItem(AUTHOR_KEY, author);
  } catch {
    // A browser without storage asks again.
  }
}
