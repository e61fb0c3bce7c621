/** What can be done to a sale. Administrators have calls of their own; sellers change the terms of their products. */
import { ApiError, ask, askVersioned } from '../api/client';
import type { Product } from '../api/types';
import { serverClock } from '../lib/clock';

type Sale = NonNullable<Product['sale']>;

/** Changes the sale as it is now; if somebody changes it at the same time, as it is then. */
async function changeSale(id: string, change: (sale: Sale) => Partial<Sale>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const { value, etag } = await askVersioned<Product>(`/products/${id}`);
    if (!value.sale) return;
    const { state: _, ...sale } = { ...value.sale, ...change(value.sale) };
    try {
      await ask(`/products/${id}`, { method: 'PATCH', body: { sale }, headers: { 'If-Match': etag } });
      return;
    } catch (error) {
      if (attempt === 5 || !(error instanceof ApiError && error.code === 'precondition_failed')) throw error;
    }
  }
}

const nowText = (): string => new Date(serverClock.now()).toISOString();

/** Nobody can buy until it goes on; its end stays where it is. */
export async function pause(product: Product, admin: boolean): Promise<void> {
  if (admin) await ask(`/admin/products/${product.id}/sale/pause`, { method: 'POST' });
  else await changeSale(product.id, () => ({ paused: true }));
}

/** It goes on until then; null: until it is sold out or closed. */
export async function goOn(product: Product, admin: boolean, closesAt: string | null): Promise<void> {
  if (admin) await ask(`/admin/products/${product.id}/sale/extend`, { method: 'POST', body: { closesAt } });
  else await changeSale(product.id, () => ({ closesAt, paused: false }));
}

export const closeNow = (product: Product): Promise<void> => changeSale(product.id, () => ({ closesAt: nowText() }));
export const openNow = (product: Product): Promise<void> => changeSale(product.id, () => ({ opensAt: nowText() }));

export function inMinutes(minutes: number, from: string | null = null): string {
  return new Date(Math.max(serverClock.now(), from ? Date.parse(from) : 0) + minutes * 60_000).toISOString();
}
