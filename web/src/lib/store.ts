/** A value that pages watch, and small pieces of it that stay in this browser. */
import { useSyncExternalStore } from 'react';

export class Value<T> {
  private readonly listeners = new Set<() => void>();
  constructor(private current: T) {}
  get = (): T => this.current;
  set = (next: T): void => {
    if (Object.is(next, this.current)) return;
    this.current = next;
    this.listeners.forEach((each) => each());
  };
  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
}

export function useValue<T>(value: Value<T>): T {
  return useSyncExternalStore(value.subscribe, value.get, value.get);
}

/** What the storage did not take (it is full, or forbidden): the page works on with this, and forgets when it closes. */
const unstored = new Map<string, string | null>();

export function keep(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
    unstored.delete(name);
  } catch {
    unstored.set(name, value);
  }
}

export function kept(name: string): string | null {
  const own = unstored.get(name);
  if (own !== undefined) return own;
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}
