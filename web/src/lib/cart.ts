/**
 * The cart. Whoever is signed in has it on the server; before that it is in this browser, and is added to the
 * server's at sign-in. Neither holds any units.
 */
import { ApiError, ask } from '../api/client';
import type { Cart, MergedCart } from '../api/types';
import { isPassing, isRefusal, resumeMsMax, untilAnswered } from './again';
import { session, signedIn } from './session';
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
/** One after the other: the server has last what was pressed last. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const done = changing.then(work);
  changing = done.catch(() => undefined);
  return done;
}

const pathOf = (productId: string): string => `/cart/items/${encodeURIComponent(productId)}`;
/** Sets how many of a product are in the cart; 0 takes it out. Null: the cart is in the browser. */
export const setQuantity = (productId: string, quantity: number): Promise<Cart | null> => inTurn(() => {
  unanswered.delete(productId); // The press before it is overtaken.
  return change(productId, quantity);
});
async function change(productId: string, quantity: number): Promise<Cart | null> {
  const buyer = signedIn();
  if (buyer !== null) {
    const path = pathOf(productId);
    if (quantity > 0) {
      const cart = await ask<Cart>(path, { method: 'PUT', body: { quantity } });
      isOut(buyer, productId); // The line is for the next order.
      return cart;
    }
    await ask(path, { method: 'DELETE' });
    isOut(buyer, productId);
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

const quantityIn = ({ items }: Cart, productId: string): number => items.find((each) => each.productId === productId)?.quantity ?? 0;

/** How many of a product a buyer had and shall have, where no answer said yet that he has. */
const unanswered = new Map<string, { buyer: string; from: number; quantity: number }>();
const addTriesMax = 5;
/**
 * One more of a product. How many that makes is decided once: what is sent again after a lost answer, by itself or by
 * another press, adds nothing more; but a cart that has become another one since is counted anew. `waiting` hears of
 * each try that got no answer.
 */
export const addOne = (productId: string, waiting: () => void): Promise<Cart | null> => inTurn(async () => {
  const buyer = signedIn();
  const inBrowser = browserCart.get().find((each) => each.productId === productId)?.quantity ?? 0;
  if (buyer === null) return change(productId, inBrowser + 1);
  await takeOutOnce(); // What is ordered already counts no more.
  const from = quantityIn(await ask<Cart>('/cart'), productId);
  const ended = new AbortController();
  const endsUnlessHis = (): void => {
    if (signedIn() !== buyer) ended.abort(); // Nothing of this is of, or is put into, somebody else's cart.
    ended.signal.throwIfAborted();
  };
  endsUnlessHis();
  const before = unanswered.get(productId);
  const goesOn = before?.buyer === buyer && (from === before.from || from === before.quantity);
  const { quantity } = goesOn ? before : { quantity: from + 1 };
  if (!goesOn) unanswered.set(productId, { buyer, from, quantity });
  let tries = 0;
  try {
    const cart = await untilAnswered(() => {
      endsUnlessHis();
      return change(productId, quantity);
    }, ended.signal, (why) => {
      if ((tries += 1) >= addTriesMax) throw why;
      waiting();
    });
    unanswered.delete(productId);
    return cart;
  } catch (error) {
    if (isRefusal(error)) unanswered.delete(productId);
    throw error;
  }
});

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

/**
 * What was ordered and is to leave this buyer's cart: kept in this browser until the server has answered, whatever page
 * is open then, but not until another day. What is put in afterwards is for the next order, and leaves this list.
 */
type Leaving = Line & { /** When it was ordered. */ at: number };
const leavingName = (buyer: string): string => `market.ordered.${buyer}`;
const leaving = (buyer: string): Leaving[] => readLines(kept(leavingName(buyer)))
  .filter((each): each is Leaving => Date.now() - ((each as Partial<Leaving>).at ?? 0) <= resumeMsMax);
const leaves = (buyer: string, lines: Leaving[]): void => keep(leavingName(buyer), lines.length ? JSON.stringify(lines) : null);
const isOut = (buyer: string, productId: string): void => leaves(buyer, leaving(buyer).filter((each) => each.productId !== productId));

/** Each line is asked for once, if the cart still has as many as were ordered: else it was changed elsewhere. Throws what was no answer. */
async function takeOutOnce(): Promise<void> {
  const buyer = signedIn();
  if (buyer === null) return;
  const ordered = leaving(buyer);
  leaves(buyer, ordered);
  if (ordered.length === 0) return;
  const cart = await ask<Cart>('/cart');
  if (signedIn() !== buyer) return; // It is somebody else's.
  const tries = await Promise.allSettled(ordered.map(async ({ productId, quantity }) => {
    if (quantityIn(cart, productId) !== quantity) return isOut(buyer, productId);
    try {
      await ask(pathOf(productId), { method: 'DELETE' });
      waits.set(false);
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
    isOut(buyer, productId);
  }));
  const failed = tries.find((each) => each.status === 'rejected');
  if (failed) throw failed.reason;
}
/** Nothing that was ordered is in the cart any more. Whoever asks has it taken out. */
export const takenOut = (): Promise<void> => inTurn(takeOutOnce);
const untilTakenOut = (): Promise<void> => untilAnswered(takenOut, new AbortController().signal);

/** Takes out what was ordered, when the answer comes. */
export function takeOut(buyer: string, lines: Line[]): Promise<void> {
  const ordered = new Set(lines.map((each) => each.productId));
  for (const productId of ordered) unanswered.delete(productId);
  const at = Date.now();
  leaves(buyer, [...leaving(buyer).filter((each) => !ordered.has(each.productId)), ...lines.map((each) => ({ ...each, at }))]);
  return untilTakenOut();
}

const begin = (): void => {
  waits.set(false);
  untilTakenOut().then(merged).catch(() => undefined);
};
session.subscribe(begin);
begin();
