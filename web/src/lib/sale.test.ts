import { describe, expect, it } from 'vitest';
import type { Product, Stock } from '../api/types';
import { countdown, isOvertaken, quantityMax, saleTimes, saleView } from './sale';

const opensAt = 1_000_000;
const product = (sale: object | null, remaining = 5): Product => ({
  sale: sale && { opensAt: new Date(opensAt).toISOString(), closesAt: null, perUserLimit: 2, state: 'scheduled', ...sale },
  stock: { remaining, capacity: 10 },
} as unknown as Product);
const stock = (saleState: string, remaining = 5): Stock => ({ saleState, remaining, capacity: 10, asOf: '' } as unknown as Stock);

describe('what may be done', () => {
  it('opens by the clock although the stream has not said so yet', () => {
    expect(saleView(product({}), stock('scheduled'), opensAt - 1).state).toBe('scheduled');
    expect(saleView(product({}), stock('scheduled'), opensAt).state).toBe('open');
  });
  it('believes the server when it opens before the own clock does', () => {
    expect(saleView(product({}), stock('open'), opensAt - 50).state).toBe('open');
  });
  it('follows the live stock, not the page', () => {
    expect(saleView(product({ state: 'open' }), stock('sold_out', 0), opensAt).state).toBe('sold_out');
    expect(saleView(product({ state: 'sold_out' }, 0), stock('open', 1), opensAt).state).toBe('open');
  });
  it('closes by the clock', () => {
    const until = product({ closesAt: new Date(opensAt + 10).toISOString() });
    expect(saleView(until, stock('open'), opensAt + 9).state).toBe('open');
    expect(saleView(until, stock('open'), opensAt + 10)).toEqual({ state: 'closed', closedAt: opensAt + 10 });
  });
  it('knows the states that come and go', () => {
    expect(saleView(product({}), stock('recovering'), opensAt).state).toBe('recovering');
    const paused = { ...stock('closed'), paused: true };
    expect(saleView(product({}), paused, opensAt).state).toBe('paused');
    expect(saleView(product({ paused: true }), stock('open'), opensAt).state).toBe('open');
    expect(saleView(product({ paused: true, state: 'closed' }), null, opensAt).state).toBe('paused');
    const ended = product({ closesAt: new Date(opensAt + 10).toISOString() });
    expect(saleView(ended, paused, opensAt + 10).state).toBe('closed');
  });
  it('sells regular products while there are any', () => {
    expect(saleView(product(null), null, 0).state).toBe('open');
    expect(saleView(product(null, 0), null, 0).state).toBe('sold_out');
  });
});

describe('a sale whose times were changed since the product was read', () => {
  const told = (saleState: string, asOf: number, more = {}): Stock => ({ ...stock(saleState), asOf: new Date(asOf).toISOString(), ...more });
  const until = product({ closesAt: new Date(opensAt + 1000).toISOString() });
  it('goes on when the server sells after the end, and does not when that was said before it', () => {
    for (const state of ['open', 'sold_out']) {
      expect(saleView(until, told(state, opensAt + 1000), opensAt + 1500).state).toBe(state);
      expect(saleView(until, told(state, opensAt + 999), opensAt + 1500).state).toBe('closed');
    }
    expect(saleView(until, told('closed', opensAt + 1000), opensAt + 1500).state).toBe('closed');
  });
  it('is read again', () => {
    expect(isOvertaken(until, told('open', opensAt + 1000), opensAt + 1000), 'extended').toBe(true);
    expect(isOvertaken(until, told('open', opensAt - 500), opensAt - 500), 'opened early').toBe(true);
    expect(isOvertaken(until, told('closed', opensAt + 500), opensAt + 500), 'ended early').toBe(true);
    expect(isOvertaken(product({}), told('closed', opensAt + 500), opensAt + 500), 'ended').toBe(true);
    expect(isOvertaken(until, told('scheduled', opensAt - 500), opensAt + 1000), 'put off').toBe(true);
  });
  it('is not read again by everybody at each opening and each end', () => {
    expect(isOvertaken(until, told('scheduled', opensAt - 500), opensAt + 999)).toBe(false);
    expect(isOvertaken(until, told('open', opensAt), opensAt)).toBe(false);
    expect(isOvertaken(until, told('open', opensAt), opensAt + 5000), 'the end is not heard of yet').toBe(false);
    expect(isOvertaken(until, told('closed', opensAt + 1000), opensAt + 1000)).toBe(false);
    expect(isOvertaken(until, told('closed', opensAt + 500, { paused: true }), opensAt + 500)).toBe(false);
    expect(isOvertaken(until, told('recovering', opensAt), opensAt + 5000)).toBe(false);
    expect(isOvertaken(product(null), told('open', opensAt), opensAt)).toBe(false);
    expect(isOvertaken(until, null, opensAt)).toBe(false);
  });
});

describe('when it opens and ends', () => {
  const sale = (closesAt: number | null) => product({ closesAt: closesAt === null ? null : new Date(closesAt).toISOString() }).sale!;
  const words = (...[closesAt, state, now]: [number | null, Parameters<typeof saleTimes>[1], number]) =>
    saleTimes(sale(closesAt), state, now).map(({ word }) => word);
  it('is to come before the opening', () => {
    expect(words(null, 'scheduled', opensAt - 1)).toEqual(['sale.opensAt']);
    expect(words(opensAt + 10, 'scheduled', opensAt - 1)).toEqual(['sale.opensAt', 'sale.closesAt']);
    expect(words(opensAt + 10, 'recovering', opensAt - 1)).toEqual(['sale.opensAt', 'sale.closesAt']);
  });
  it('has passed once it is open, also where the own clock is late', () => {
    expect(words(null, 'open', opensAt + 1)).toEqual(['sale.openedAt']);
    expect(words(opensAt + 10, 'open', opensAt - 1)).toEqual(['sale.openedAt', 'sale.closesAt']);
    for (const state of ['sold_out', 'paused', 'recovering'] as const)
      expect(words(opensAt + 10, state, opensAt)).toEqual(['sale.openedAt', 'sale.closesAt']);
  });
  it('has passed once it is over', () => {
    expect(words(opensAt + 10, 'closed', opensAt + 9)).toEqual(['sale.openedAt', 'sale.closedAt']);
    expect(words(opensAt + 10, 'recovering', opensAt + 10)).toEqual(['sale.openedAt', 'sale.closedAt']);
    expect(words(null, 'closed', opensAt + 10)).toEqual(['sale.openedAt']);
  });
  it('has no end that has passed while it sells', () => {
    for (const state of ['open', 'sold_out'] as const) expect(words(opensAt + 10, state, opensAt + 10)).toEqual(['sale.openedAt']);
  });
  it('names no opening of a sale that was ended before it', () => {
    expect(words(opensAt - 10, 'closed', opensAt - 5)).toEqual(['sale.closedAt']);
  });
  it('names the moments themselves', () => {
    expect(saleTimes(sale(opensAt + 10), 'open', opensAt).map(({ at }) => Date.parse(at))).toEqual([opensAt, opensAt + 10]);
  });
});

describe('the countdown', () => {
  it('shows a second until it has passed', () => {
    expect(countdown(1)).toEqual([0, 0, 0, 1]);
    expect(countdown(0)).toEqual([0, 0, 0, 0]);
    expect(countdown(-5)).toEqual([0, 0, 0, 0]);
    expect(countdown(((2 * 24 + 3) * 60 + 4) * 60_000 + 5000)).toEqual([2, 3, 4, 5]);
  });
});

it('offers no more than the limit and the stock', () => {
  expect(quantityMax(product({}), 5)).toBe(2);
  expect(quantityMax(product({}), 1)).toBe(1);
  expect(quantityMax(product({ perUserLimit: null }), 5)).toBe(5);
  expect(quantityMax(product({}), 0)).toBe(1);
});
