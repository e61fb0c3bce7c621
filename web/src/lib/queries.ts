/** Questions that more than one part of the shop asks. */
import { queryOptions } from '@tanstack/react-query';
import { ask } from '../api/client';
import type { Product } from '../api/types';

export const productQuery = (id: string) => queryOptions({
  queryKey: ['product', id],
  queryFn: ({ signal }) => ask<Product>(`/products/${encodeURIComponent(id)}`, { signal }),
});
