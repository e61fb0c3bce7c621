import { describe, expect, it } from 'vitest';
import type { Product } from '../api/types';
import { fieldsOf, instant, localTime, membersShown, merge, patchOf, termsOf } from './terms';

const product: Product = {
  id: '1', name: 'Shoe', description: '', category: 'sneakers', price: { amount: 100, currency: 'KRW' }, imageUrl: null,
  kind: 'event', sale: { opensAt: '2031-01-01T01:00:00.123Z', closesAt: null, perUserLimit: 2, paused: false, state: 'scheduled' },
  publishAt: null,
  stock: { remaining: 1, capacity: 1 }, sellerId: '2', createdAt: '2026-01-01T00:00:00.000Z', updatedAt: '2026-01-01T00:00:00.000Z',
};
const fields = fieldsOf(product);

describe('the terms of a product', () => {
  it('are sent only where they were changed', () => {
    expect(patchOf(product, fields)).toEqual({});
    expect(patchOf(product, { ...fields, name: ' Boot ' })).toEqual({ name: 'Boot' });
    expect(patchOf(product, { ...fields, amount: '0' })).toEqual({ price: { amount: 0, currency: 'KRW' } });
  });
  it('keep the milliseconds of a time that was not touched', () => {
    expect(patchOf(product, { ...fields, perUserLimit: '' }).sale)
      .toEqual({ opensAt: '2031-01-01T01:00:00.123Z', closesAt: null, perUserLimit: null });
    expect(patchOf(product, { ...fields, opensAt: localTime('2031-01-01T02:00:00Z') }).sale!.opensAt).toBe('2031-01-01T02:00:00.000Z');
  });
  it('say when it becomes public, and that it is', () => {
    expect(patchOf(product, { ...fields, publishAt: localTime('2031-01-01T02:00:00Z') })).toEqual({ publishAt: '2031-01-01T02:00:00.000Z' });
    const hidden = { ...product, publishAt: '2031-01-01T02:00:00.000Z' };
    expect(patchOf(hidden, fieldsOf(hidden))).toEqual({});
    expect(patchOf(hidden, { ...fieldsOf(hidden), publishAt: '' })).toEqual({ publishAt: null });
  });
  it('send no price that is not there as 0', () => {
    expect(termsOf({ ...fields, amount: '' }, '1').price.amount).toBe(-1);
  });
  it('have no stock where none is written', () => {
    expect(termsOf(fields, '7').stock).toBe(7);
    expect(termsOf(fields, '0').stock).toBe(0);
    expect('stock' in termsOf(fields, '')).toBe(false);
  });
  it('write local times and read them again', () => {
    expect(instant(localTime('2031-06-01T05:06:07.000Z'))).toBe('2031-06-01T05:06:07.000Z');
    expect(instant('')).toBeNull();
  });
  it('leave to the server what is no time', () => {
    expect(termsOf({ ...fields, opensAt: '20261-12-01T10:00' }, '1').sale!.opensAt).toBe('20261-12-01T10:00');
    expect(patchOf(product, { ...fields, publishAt: '20261-12-01T10:00' })).toEqual({ publishAt: '20261-12-01T10:00' });
  });
});

it('the form says at a field what is wrong with members that it shows', () => {
  expect(membersShown(fields)).toEqual(expect.arrayContaining(['description', 'price', 'price.amount', 'sale', 'sale.opensAt']));
  expect(membersShown({ ...fields, kind: 'regular' })).not.toContain('sale.opensAt');
});

describe('two changes at once', () => {
  it('are both taken where they do not touch', () => {
    const { merged, conflicts, taken } = merge(fields, { ...fields, name: 'Boot' }, { ...fields, amount: '120' });
    expect(merged).toEqual({ ...fields, name: 'Boot', amount: '120' });
    expect(conflicts).toEqual([]);
    expect(taken).toEqual([{ name: 'amount', mine: '100', theirs: '120' }]);
  });
  it('are a conflict where they do, and mine stays until it is decided', () => {
    const { merged, conflicts } = merge(fields, { ...fields, amount: '110' }, { ...fields, amount: '120' });
    expect(merged.amount).toBe('110');
    expect(conflicts).toEqual([{ name: 'amount', mine: '110', theirs: '120' }]);
  });
  it('are none when both have said the same', () => {
    expect(merge(fields, { ...fields, amount: '120' }, { ...fields, amount: '120' })).toMatchObject({ conflicts: [], taken: [] });
  });
});
