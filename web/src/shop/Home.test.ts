import { describe, expect, it } from 'vitest';
import type { Product } from '../api/types';
import { featured } from './Home';

const now = Date.parse('2026-06-01T12:00:00Z');
const drop = (name: string, opensIn: number, state: string, more: object = {}): Product => ({
  id: name, name, stock: { remaining: 5, capacity: 5 }, ...more,
  sale: { opensAt: new Date(now + opensIn).toISOString(), closesAt: null, state, paused: false },
} as unknown as Product);
const name = (products: Product[]): string | undefined => featured(products, now)?.name;

describe('the drop on top', () => {
  const older = drop('older', -60_000, 'open');
  it('stays there when it opens, although the list was read before', () => {
    expect(name([older, drop('big', 1000, 'scheduled')])).toBe('big');
    expect(name([older, drop('big', -1000, 'scheduled')])).toBe('big');
    expect(name([drop('big', -1000, 'scheduled')])).toBe('big');
  });
  it('is neither sold out nor over', () => {
    expect(name([older, drop('gone', -1000, 'scheduled', { stock: { remaining: 0, capacity: 5 } })])).toBe('older');
    const over = drop('over', -1000, 'open');
    over.sale!.closesAt = new Date(now - 1).toISOString();
    expect(name([older, over])).toBe('older');
    expect(name([over])).toBeUndefined();
  });
  it('is the next one when that opens within the hour', () => {
    expect(name([older, drop('soon', 3_000_000, 'scheduled')])).toBe('soon');
    expect(name([older, drop('later', 4_000_000, 'scheduled')])).toBe('older');
    expect(name([drop('later', 4_000_000, 'scheduled')])).toBe('later');
  });
});
