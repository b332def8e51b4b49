'use client';

import { useEffect, useRef, useState } from 'react';

/** A value that follows `value` at most once in `everyMs`, and always arrives at the last one. */
export function useThrottled<T>(value: T, everyMs: number): T {
  const [throttled, setThrottled] = useState(value);
  const lastMs = useRef(0);
  useEffect(() => {
    const timer = setTimeout(
      () => {
        lastMs.current = Date.now();
        setThrottled(value);
      },
      Math.max(0, everyMs - (Date.now() - lastMs.current)),
    );
    return () => clearTimeout(timer);
  }, [value, everyMs]);
  return throttled;
}
