/**
 * The cart. Whoever is signed in has it on the server; before that it is in this browser, and is added to the
 * server's at sign-in. Neither holds any units.
 */
import { ApiError, ask } from '../api/client';
import type { Cart, MergedCart } from '../api/types';
import { isPassing } from './again';
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

const full = (): ApiError => new ApiError(
  { type: 'about:blank', title: '', status: 409, detail: '', message: '', code: 'list_full', traceId: '' }, null);
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
    waits.set(false);
    await merged().catch(() => undefined);
    return ask<Cart>('/cart');
  }
  const lines = browserCart.get();
  if (quantity <= 0) write(lines.filter((line) => line.productId !== productId));
  else if (lines.some((line) => line.productId === productId))
    write(lines.map((line) => (line.productId === productId ? { productId, quantity } : line)));
  else if (lines.length < linesMax) write([...lines, { productId, quantity }]);
  else throw full(); // As the server says it.
  return null;
}

/** Some of what was collected waits in this browser, because the server's cart is full. */
export const waits = new Value(false);

/** What was collected before signing in; sending it twice changes nothing more. */
async function merge(): Promise<void> {
  const lines = browserCart.get();
  if (session.get().state !== 'in' || lines.length === 0 || waits.get()) return;
  try {
    const { leftOut } = await ask<MergedCart>('/cart/merge', { method: 'POST', body: { items: lines } });
    const kept = lines.filter((line) => leftOut.some((each) => each.productId === line.productId && each.reason === 'list_full'));
    waits.set(kept.length > 0);
    write(kept);
  } catch (error) {
    if (isPassing(error)) throw error; // A refusal hides no cart.
  }
}
let merging: Promise<void> = Promise.resolve();
/**
 * The server's cart has what was collected before; until then, and when this fails, it is not the whole cart. Whoever
 * asks has it sent: this part of the shop may be loaded long after the sign-in, and a busy server is asked again.
 */
export function merged(): Promise<void> {
  const done = merging.then(merge);
  merging = done.catch(() => undefined);
  return done;
}
const begin = (): void => {
  waits.set(false);
  merged().catch(() => undefined);
};
session.subscribe(begin);
begin();

/** Takes out what was ordered, when the answer comes; what is put in afterwards is for the next order. */
export function takeOut(lines: Line[]): void {
  const each = lines.map(({ productId }) => ask(`/cart/items/${encodeURIComponent(productId)}`, { method: 'DELETE' }));
  taking = Promise.allSettled(each).then(() => waits.set(false));
}
let taking: Promise<unknown> = Promise.resolve();
export const takenOut = (): Promise<unknown> => taking;
