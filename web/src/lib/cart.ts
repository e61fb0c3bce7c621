/**
 * The cart. Whoever is signed in has it on the server; before that it is in this browser, and is added to the
 * server's at sign-in. Neither holds any units.
 */
import { ask } from '../api/client';
import type { Cart } from '../api/types';
import { session } from './session';
import { keep, kept, Value } from './store';

export interface Line {
  productId: string;
  quantity: number;
}
const name = 'market.cart';
export const linesMax = 20;

export function readLines(text: string | null): Line[] {
  try {
    const found: unknown = JSON.parse(text ?? '[]');
    if (!Array.isArray(found)) return [];
    return found.filter((each: Partial<Line>): each is Line =>
      typeof each?.productId === 'string' && Number.isInteger(each.quantity) && each.quantity! >= 1 && each.quantity! <= 1000)
      .slice(0, linesMax);
  } catch {
    return [];
  }
}

export const browserCart = new Value<Line[]>(readLines(kept(name)));
function write(lines: Line[]): void {
  keep(name, lines.length ? JSON.stringify(lines) : null);
  browserCart.set(lines);
}
if (typeof addEventListener !== 'undefined')
  addEventListener('storage', (change) => {
    if (change.key === name) browserCart.set(readLines(change.newValue));
  });

let changing: Promise<unknown> = Promise.resolve();
/**
 * Sets how many of a product are in the cart; 0 takes it out. Null: the cart is in the browser. One after the other:
 * the server has last what was pressed last.
 */
export function setQuantity(productId: string, quantity: number): Promise<Cart | null> {
  const changed = changing.then(() => change(productId, quantity));
  changing = changed.catch(() => undefined);
  return changed;
}
async function change(productId: string, quantity: number): Promise<Cart | null> {
  if (session.get().state === 'in') {
    const path = `/cart/items/${encodeURIComponent(productId)}`;
    if (quantity > 0) return ask<Cart>(path, { method: 'PUT', body: { quantity } });
    await ask(path, { method: 'DELETE' });
    return ask<Cart>('/cart');
  }
  const others = browserCart.get().filter((line) => line.productId !== productId);
  write(quantity > 0 ? [...others, { productId, quantity }].slice(-linesMax) : others);
  return null;
}

/** What was collected before signing in; sending it twice changes nothing more. */
async function merge(): Promise<void> {
  const lines = browserCart.get();
  if (session.get().state !== 'in' || lines.length === 0) return;
  await ask('/cart/merge', { method: 'POST', body: { items: lines } });
  write([]);
}
let merging: Promise<void> = Promise.resolve();
/**
 * The server's cart has what was collected before; until then it is not the whole cart. Whoever asks has it sent: this
 * part of the shop may be loaded long after the sign-in, and a server that was busy is asked again.
 */
export const merged = (): Promise<void> => (merging = merging.then(merge).catch(() => undefined));
session.subscribe(() => void merged());
void merged();

/** Takes out what was ordered, when the answer comes; what is put in afterwards is for the next order. */
export function takeOut(lines: Line[]): void {
  const each = lines.map(({ productId }) => ask(`/cart/items/${encodeURIComponent(productId)}`, { method: 'DELETE' }));
  taking = Promise.allSettled(each);
}
let taking: Promise<unknown> = Promise.resolve();
export const takenOut = (): Promise<unknown> => taking;
