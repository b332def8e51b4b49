'use client';

import { useEffect, useEffectEvent } from 'react';

export type KeyBindings = Readonly<Record<string, (event: KeyboardEvent) => void>>;

/** Typing in a field, or at work in a dialog or menu, which has Escape and Enter to itself. */
function isOccupied(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName) ||
      target.closest('dialog, [popover]') !== null)
  );
}

/**
 * Page-wide keys by their `KeyboardEvent.key`, `Ctrl+` before it where held (Cmd counts).
 * Plain keys rest while someone types in a field, or a dialog or menu is open; Ctrl chords do not.
 */
export function useKeyboard(bindings: KeyBindings): void {
  const onKeyDown = useEffectEvent((event: KeyboardEvent) => {
    if (event.altKey || event.defaultPrevented) return;
    const isChord = event.ctrlKey || event.metaKey;
    if (!isChord && isOccupied(event.target)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const binding = bindings[isChord ? `Ctrl+${key}` : key];
    if (binding === undefined) return;
    binding(event);
  });
  useEffect(() => {
    const listen = (event: KeyboardEvent) => onKeyDown(event);
    window.addEventListener('keydown', listen);
    return () => window.removeEventListener('keydown', listen);
  }, []);
}
