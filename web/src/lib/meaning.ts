/** What a button means, where that comes from data which change by themselves. */
import { useEffect, useState } from 'react';

/** So long a press may still be meant for what stood there before. */
const freshMs = 1000;

/**
 * `means` stays as it is while the button's work is under way (`busy`). `fresh`: it has just changed, and a press now was
 * meant for what stood there before.
 */
export function useMeaning<T>(now: T, busy: boolean): { means: T; fresh: boolean } {
  const [means, setMeans] = useState(now);
  const [settled, setSettled] = useState(now);
  if (!busy && means !== now) setMeans(now);
  useEffect(() => {
    if (means === settled) return undefined;
    const timer = setTimeout(() => setSettled(means), freshMs);
    return () => clearTimeout(timer);
  }, [means, settled]);
  return { means, fresh: means !== settled };
}
