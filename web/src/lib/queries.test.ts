import { QueryClient } from '@tanstack/react-query';
import { describe, expect, it } from 'vitest';
import type { Order } from '../api/types';
import { orderQuery } from './queries';

const order = (state: string, second: number): Order =>
  ({ id: 'o1', state, updatedAt: `2026-12-01T00:00:0${second}.000Z` }) as Order;

describe('an order', () => {
  it('goes forward, in whatever order its answers come', async () => {
    const queries = new QueryClient();
    const shown = (): string | undefined => queries.getQueryData(orderQuery('o1').queryKey)?.state;
    const poll = (answer: Promise<Order>): Promise<unknown> => queries.fetchQuery({ ...orderQuery('o1'), queryFn: () => answer });
    await poll(Promise.resolve(order('accepted', 1)));
    let late: (value: Order) => void = () => undefined;
    const polled = poll(new Promise((done) => { late = done; }));
    queries.setQueryData(orderQuery('o1').queryKey, order('paid', 2));
    late(order('accepted', 1));
    await polled;
    expect(shown()).toBe('paid');
    queries.setQueryData(orderQuery('o1').queryKey, order('accepted', 1)); // A stream of an instance that lags.
    expect(shown()).toBe('paid');
    queries.setQueryData(orderQuery('o1').queryKey, order('cancelled', 2));
    expect(shown()).toBe('cancelled');
  });
});
