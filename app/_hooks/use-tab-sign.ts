'use client';

import { useEffect } from 'react';

export type TabSign = 'loss_spike' | 'divergence';

/** The marks of the timelines, in the colours that both themes' tabs can carry. */
const BADGES: Readonly<Record<TabSign, string>> = {
  loss_spike: '<path d="M21 14 31 31H11z" fill="#ff6b4a" stroke="#0f1113" stroke-width="2"/>',
  divergence:
    '<path d="M14 16 30 32M30 16 14 32" stroke="#0f1113" stroke-width="8"/>' +
    '<path d="M14 16 30 32M30 16 14 32" stroke="#ff5fc4" stroke-width="5"/>',
};
const LETTERS: Readonly<Record<TabSign, string>> = { loss_spike: '▲', divergence: '✕' };

function iconWith(sign: TabSign): string {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">' +
    '<rect width="32" height="32" rx="6" fill="#0f1113"/>' +
    '<path d="M4 18h6l3-7 4.5 14 4-19 3.5 12H28" fill="none" stroke="#e8eaec" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"/>' +
    `${BADGES[sign]}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/**
 * Names the tab after what is open, and after its trouble first: a person with twenty tabs
 * sees which one asks for them. null leaves the name that the page was sent with.
 */
export function useTabSign(title: string | null, sign: TabSign | null): void {
  const text = title === null ? null : sign === null ? title : `${LETTERS[sign]} ${title}`;
  useEffect(() => {
    if (text !== null) document.title = text;
  }, [text]);
  useEffect(() => {
    if (sign === null) return;
    const icons = [...document.querySelectorAll<HTMLLinkElement>('link[rel~="icon"]')];
    const before = icons.map((icon) => icon.href);
    for (const icon of icons) icon.href = iconWith(sign);
    return () => icons.forEach((icon, index) => (icon.href = before[index] ?? icon.href));
  }, [sign]);
}
