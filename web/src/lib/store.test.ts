import { afterEach, expect, it, vi } from 'vitest';
import { keep, kept } from './store';

afterEach(() => vi.unstubAllGlobals());

function storage(full: () => boolean) {
  const stored = new Map<string, string>();
  vi.stubGlobal('localStorage', {
    getItem: (name: string) => stored.get(name) ?? null,
    removeItem: (name: string) => void stored.delete(name),
    setItem: (name: string, value: string) => {
      if (full()) throw new DOMException('full', 'QuotaExceededError');
      stored.set(name, value);
    },
  });
  return stored;
}

it('keeps for this page what a full storage does not take, and hands over once there is room', () => {
  let full = false;
  const stored = storage(() => full);
  keep('key', 'first');
  full = true;
  keep('key', 'second');
  expect(kept('key')).toBe('second');
  full = false;
  keep('key', 'third');
  expect(kept('key')).toBe('third');
  expect(stored.get('key')).toBe('third');
  keep('key', null);
  expect(kept('key')).toBeNull();
});

it('works where storage is forbidden altogether', () => {
  vi.stubGlobal('localStorage', undefined);
  keep('other', 'here');
  expect(kept('other')).toBe('here');
  keep('other', null);
  expect(kept('other')).toBeNull();
});
