/** Questions that more than one part of the shop asks. */
import { queryOptions } from '@tanstack/react-query';
import { ask } from '../api/client';
import type { Order, Product } from '../api/types';

export const productQuery = (id: string) => queryOptions({
  queryKey: ['product', id],
  queryFn: ({ signal }) => ask<Product>(`/products/${encodeURIComponent(id)}`, { signal }),
});

/** Answers overtake each other: a poll that was sent before a payment must not take the payment back. */
export const newerOrder = (shown: Order | undefined, next: Order): Order =>
  (shown && Date.parse(next.updatedAt) < Date.parse(shown.updatedAt) ? shown : next);

/** Whatever brings this order (a stream, a poll, the answer to a press), it goes forward. */
export const orderQuery = (id: string) => queryOptions({
  queryKey: ['order', id],
  queryFn: ({ signal }) => ask<Order>(`/orders/${encodeURIComponent(id)}`, { signal }),
  structuralSharing: (shown, next) => newerOrder(shown as Order | undefined, next as Order),
});
