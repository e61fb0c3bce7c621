/** What a buyer may do with a product at a moment, by the server's clock. Pure, so that each state has a test. */
import type { Product, Stock } from '../api/types';

export type SaleView =
  | { state: 'scheduled'; opensAt: number }
  | { state: 'open' }
  | { state: 'sold_out' }
  | { state: 'closed'; closedAt: number | null }
  | { state: 'recovering' }
  | { state: 'paused' };

export interface SaleTime {
  word: 'sale.opensAt' | 'sale.openedAt' | 'sale.closesAt' | 'sale.closedAt';
  at: string;
}

const isSelling = (said: string): boolean => said === 'open' || said === 'sold_out';

/** For so long after the opening a stream may still say "scheduled". */
const openingMsMax = 1000;

/** The live stock says what cannot be at the times that the product was read with: they were changed since. */
export function isOvertaken({ sale }: Product, stock: Stock | null, serverNow: number): boolean {
  if (!sale || !stock) return false;
  const [opensAt, closesAt] = [Date.parse(sale.opensAt), sale.closesAt ? Date.parse(sale.closesAt) : Infinity];
  const asOf = Date.parse(stock.asOf);
  if (stock.saleState === 'scheduled') return serverNow >= opensAt + openingMsMax;
  if (isSelling(stock.saleState)) return asOf < opensAt || asOf >= closesAt;
  return stock.saleState === 'closed' && !stock.paused && !sale.paused && asOf < closesAt;
}

export function saleView(product: Product, stock: Stock | null, serverNow: number): SaleView {
  const remaining = stock?.remaining ?? product.stock.remaining;
  const said: string = stock?.saleState ?? product.sale?.state ?? 'open';
  if (said === 'recovering') return { state: 'recovering' };
  if (product.sale) {
    const opensAt = Date.parse(product.sale.opensAt);
    const closesAt = product.sale.closesAt ? Date.parse(product.sale.closesAt) : null;
    // What is sold after the end goes on: the end was moved since the product was read.
    const goesOn = closesAt !== null && stock !== null && isSelling(said) && Date.parse(stock.asOf) >= closesAt;
    if (closesAt !== null && serverNow >= closesAt && !goesOn) return { state: 'closed', closedAt: closesAt };
    if (said === 'closed') return (stock?.paused ?? product.sale.paused) ? { state: 'paused' } : { state: 'closed', closedAt: closesAt };
    // The stream may say "scheduled" for some milliseconds longer than the clock.
    if (serverNow < opensAt && said === 'scheduled') return { state: 'scheduled', opensAt };
  }
  return remaining === 0 || said === 'sold_out' ? { state: 'sold_out' } : { state: 'open' };
}

/** When the sale opens and ends, or did: what has passed is not told as to come, nor an opening that will never be. */
export function saleTimes(sale: NonNullable<Product['sale']>, state: SaleView['state'], serverNow: number): SaleTime[] {
  const opened = state === 'open' || serverNow >= Date.parse(sale.opensAt);
  const times: SaleTime[] = [];
  if (opened || state !== 'closed') times.push({ word: opened ? 'sale.openedAt' : 'sale.opensAt', at: sale.opensAt });
  if (sale.closesAt !== null) {
    const passed = serverNow >= Date.parse(sale.closesAt);
    if (passed && isSelling(state)) return times; // It was moved, and is not known yet.
    const ended = state === 'closed' || passed;
    times.push({ word: ended ? 'sale.closedAt' : 'sale.closesAt', at: sale.closesAt });
  }
  return times;
}

/** Days, hours, minutes, seconds until then; a second that has begun counts, so that it never shows 0 too early. */
export function countdown(ms: number): [number, number, number, number] {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
}

/** How many one buyer may choose now. */
export function quantityMax(product: Product, remaining: number): number {
  const limit = product.sale?.perUserLimit ?? 99;
  return Math.max(1, Math.min(limit, remaining, 1000));
}
