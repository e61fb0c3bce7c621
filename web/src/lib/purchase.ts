/**
 * Buying, so that one press of the button is one order, whatever happens in between: a double click, a refresh, a
 * second tab, a lost connection, a server that restarts.
 *
 * The press makes an Idempotency-Key and writes it down in this browser, before anything is sent. From then on only
 * that key is sent, by whichever tab holds the purchase's lock, until the server has said yes or no. A page that is
 * loaded again finds the key and goes on. Only the server's own word ends it; no answer is never taken for a no.
 */
import { ApiError, ask, UnknownOutcome } from '../api/client';
import type { Order } from '../api/types';
import { backoffMs, resumeMsMax } from './again';
import { takeOut } from './cart';
import { serverClock } from './clock';
import { newKey } from './key';
import { session, signedIn, type SessionState } from './session';
import { keep, kept, Value } from './store';

export type Refusal =
  | 'sold_out' | 'insufficient_stock' | 'sale_closed' | 'limit_exceeded' | 'email_unverified'
  | 'product_not_found' | 'other'
  /** No answer in all this time: it is asked no more, and only the orders tell. */
  | 'unknown';

export interface Line {
  productId: string;
  quantity: number;
}

export type Purchase =
  | { state: 'idle' }
  /** Sent, and no word yet. `since` is the time of the press, `trouble` why it takes longer than it should. */
  | { state: 'asking'; since: number; trouble: null | 'slow' | 'offline' | 'unavailable' | 'busy' | 'early' }
  | { state: 'bought'; orderId: string; ticket: number | null; items: Line[] }
  /** `asked`: how many units of one product, at most; 0 where it is not known. */
  | { state: 'refused'; why: Refusal; detail: string; asked: number }
  /** The session has ended in the middle; the key waits for the same buyer. */
  | { state: 'signed_out' };

interface Pending {
  key: string;
  items: Line[];
  since: number;
}
type Done = Extract<Purchase, { state: 'bought' | 'refused' }>;
/** `at`: when it came. */
type Answered = { done: Done; at: number };
type Record_ = { pending: Pending } | Answered;

export const slowAfterMs = 2500;

const nameOf = (buyer: string, what: string): string => `market.buy.${buyer}.${what}`;

export interface Buying {
  place(items: Line[], key: string): Promise<Order>;
  /** Who is signed in, as far as this page knows; null: nobody. */
  signedIn(): string | null;
  wait(ms: number): Promise<void>;
  now(): number;
  read(name: string): string | null;
  write(name: string, value: string | null): void;
  /** Runs `work` in one tab at a time. */
  alone(name: string, work: () => Promise<void>): Promise<void>;
  newKey(): string;
  serverNow(): number;
  /** What was ordered leaves the cart; it is known as ordered before this returns. Resolves when that is done. */
  takeOut(buyer: string, items: Line[]): Promise<void>;
}

const browser: Buying = {
  place: (items, key) => ask<Order>('/orders', { method: 'POST', body: { items }, key, timeoutMs: 10_000 }),
  signedIn,
  wait: (ms) => new Promise((wake) => {
    const end = (): void => {
      clearTimeout(timer);
      removeEventListener('online', end);
      wake();
    };
    const timer = setTimeout(end, ms);
    addEventListener('online', end);
  }),
  now: () => Date.now(),
  read: kept,
  write: keep,
  alone: async (name, work) => {
    if (navigator.locks) await navigator.locks.request(name, work);
    else await work();
  },
  newKey,
  serverNow: () => serverClock.now(),
  takeOut,
};

function refusalOf(code: string): Refusal {
  const known: Refusal[] = ['sold_out', 'insufficient_stock', 'sale_closed', 'limit_exceeded', 'email_unverified',
    'product_not_found'];
  return known.find((each) => each === code) ?? 'other';
}

function isPending(found: Partial<Pending> | null | undefined): found is Pending {
  return typeof found?.key === 'string' && typeof found.since === 'number' && Array.isArray(found.items)
    && found.items.length > 0 && found.items.every((each) => typeof each?.productId === 'string' && Number.isInteger(each.quantity));
}

/** What was written down, by this version of the shop or an earlier one; null: nothing, or nothing that can be read. */
function recordOf(text: string | null): Record_ | null {
  try {
    const found = JSON.parse(text ?? 'null') as { pending?: Pending; done?: Partial<Done>; at?: number } | null;
    if (isPending(found?.pending)) return { pending: found.pending };
    const [done, at] = [found?.done, found?.at ?? 0];
    // Earlier versions did not write down what was bought, nor how many were refused.
    if (done?.state === 'bought' && typeof done.orderId === 'string')
      return { done: { state: 'bought', orderId: done.orderId, ticket: done.ticket ?? null, items: Array.isArray(done.items) ? done.items : [] }, at };
    if (done?.state === 'refused' && done.why)
      return { done: { state: 'refused', why: done.why, detail: done.detail ?? '', asked: done.asked ?? 0 }, at };
    return null;
  } catch {
    return null;
  }
}

/** One thing that is bought (a product, or the cart) by one buyer, as all tabs of the browser see it. */
export class PurchaseFlow {
  readonly state: Value<Purchase>;
  private readonly name: string;
  private running = false;
  /** What the server has said last. */
  private answer: Answered | null = null;

  constructor(private readonly buyer: string, private readonly what: string, private readonly with_: Buying = browser) {
    this.name = nameOf(buyer, what);
    this.state = new Value<Purchase>({ state: 'idle' });
  }

  /**
   * Takes up what another tab, or this page before it was loaded again, has begun. A page that begins (`fresh`) takes
   * no refusal of an earlier press for today's: the limit may be free again, the address confirmed. Nor does a cart lead
   * to an order of long ago.
   */
  resume(fresh = false): void {
    const record = this.read();
    if (!record) {
      if (!this.running) this.state.set({ state: 'idle' });
    } else if ('done' in record) {
      if (fresh && this.isOver(record)) this.state.set({ state: 'idle' });
      else this.show(record);
    } else if (this.isTooOld(record.pending)) {
      this.giveUp();
    } else {
      void this.run();
    }
  }

  /** The page is left: the answer to its press was read. What was bought stays at its product; a cart led to its order. */
  leave(): void {
    const { state } = this.state.get();
    if (state === 'refused') this.state.set({ state: 'idle' });
    else if (state === 'bought' && this.what === 'cart') this.clear();
  }

  /** A cart leads to no order of long ago in a shop that was open all the time either. */
  forgetOld(): void {
    const { answer } = this;
    if (answer?.done.state === 'bought' && answer.done === this.state.get() && this.isOver(answer)) this.clear();
  }

  /** The press of the button. Pressed again while it asks, it is the same purchase. */
  async buy(items: Line[]): Promise<void> {
    if (this.running) return; // Also in the moment after the answer: nobody would ask for another one now.
    const record = this.read();
    if (!record || 'done' in record) {
      const pending: Pending = { key: this.with_.newKey(), items, since: this.with_.now() };
      this.with_.write(this.name, JSON.stringify({ pending } satisfies Record_));
    }
    await this.run();
  }

  /** Forgets the outcome, so that the button is there again. What is asked for is not forgotten. */
  clear(): void {
    if (this.forgetRecord()) this.state.set({ state: 'idle' });
  }

  /** Its order is about to be shown: a page that is loaded from now on does not lead there once more. */
  forgetRecord(): boolean {
    const record = this.read();
    if (record && 'pending' in record) return false;
    this.with_.write(this.name, null);
    return true;
  }

  private read(): Record_ | null {
    return recordOf(this.with_.read(this.name));
  }

  private show(answer: Answered): void {
    this.answer = answer;
    this.state.set(answer.done);
  }

  private isOver({ done, at }: Answered): boolean {
    return done.state === 'refused' || (this.what === 'cart' && this.with_.now() - at > resumeMsMax);
  }

  private isTooOld(pending: Pending): boolean {
    return this.with_.now() - pending.since > resumeMsMax;
  }

  private giveUp(): void {
    this.with_.write(this.name, null);
    this.state.set({ state: 'refused', why: 'unknown', detail: '', asked: 0 });
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    const record = this.read();
    const since = record && 'pending' in record ? record.pending.since : this.with_.now();
    this.state.set({ state: 'asking', since, trouble: null });
    try {
      await this.with_.alone(this.name, () => this.askUntilAnswered());
    } finally {
      this.running = false;
    }
  }

  private async askUntilAnswered(): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      const record = this.read();
      if (!record) return this.state.set({ state: 'idle' });
      if ('done' in record) return this.show(record); // Another tab has the answer.
      const { key, items, since } = record.pending;
      if (this.isTooOld(record.pending)) return this.giveUp();
      // Between two tries somebody else may have signed in: he buys nothing of this.
      if (this.with_.signedIn() !== this.buyer) return this.state.set({ state: 'signed_out' });
      const slow = setTimeout(() => this.state.set({ state: 'asking', since, trouble: 'slow' }), slowAfterMs);
      try {
        return this.end(bought(await this.with_.place(items, key), items));
      } catch (error) {
        const pause = this.afterFailure(error, record.pending, tries);
        if (pause === null) return undefined;
        clearTimeout(slow);
        await this.with_.wait(pause);
      } finally {
        clearTimeout(slow);
      }
    }
  }

  /** How long to wait before the same key is sent again; null: this was the answer. */
  private afterFailure(error: unknown, { since, items }: Pending, tries: number): number | null {
    const trouble = (what: Extract<Purchase, { state: 'asking' }>['trouble']): void =>
      this.state.set({ state: 'asking', since, trouble: what });
    if (error instanceof UnknownOutcome) {
      trouble(error.reason === 'unreachable' ? 'offline' : error.reason);
      return backoffMs(tries, error.retryAfter);
    }
    if (error instanceof ApiError && error.status === 429) {
      trouble('busy');
      return backoffMs(tries, error.retryAfter);
    }
    if (!(error instanceof ApiError) || error.strange) { // An answer that is no order, nor the shop's own no.
      trouble('unavailable');
      return backoffMs(tries, null);
    }
    if (error.code === 'sale_not_open' && error.problem.opensAt) {
      const early = Date.parse(error.problem.opensAt) - this.with_.serverNow();
      if (early < 30_000) {
        trouble('early'); // Pressed at the opening by a clock that was a little ahead.
        return Math.max(50, early) + Math.random() * 50;
      }
    }
    if (error.status === 401) {
      this.state.set({ state: 'signed_out' });
      return null;
    }
    const asked = Math.max(0, ...items.map(({ quantity }) => quantity));
    this.end({ state: 'refused', why: refusalOf(error.code), detail: error.sentence, asked });
    return null;
  }

  private end(outcome: Done): void {
    // Whatever page is open now: later the same product in the cart may be another one.
    if (outcome.state === 'bought' && this.what === 'cart')
      this.with_.takeOut(this.buyer, outcome.items).then(() => this.settled(outcome.orderId), () => undefined);
    const answer: Answered = { done: outcome, at: this.with_.now() };
    this.with_.write(this.name, JSON.stringify(answer satisfies Record_));
    this.show(answer);
  }

  /** The cart is without what was ordered: only a page that is open now shows which order that became. */
  private settled(orderId: string): void {
    const record = this.read();
    if (record && 'done' in record && record.done.state === 'bought' && record.done.orderId === orderId)
      this.with_.write(this.name, null);
  }
}

function bought(order: Order, items: Line[]): Extract<Purchase, { state: 'bought' }> {
  const ticket = order.items.find((item) => item.ticket !== null)?.ticket ?? null;
  return { state: 'bought', orderId: order.id, ticket, items };
}

const flows = new Map<string, PurchaseFlow>();
/** The flow of this buyer and thing; the same one for every component that shows it. */
export function purchaseOf(buyer: string, what: string): PurchaseFlow {
  const name = nameOf(buyer, what);
  let flow = flows.get(name);
  if (!flow) {
    flow = new PurchaseFlow(buyer, what);
    flow.resume(true);
    flows.set(name, flow);
  }
  flow.forgetOld();
  return flow;
}

/** Whoever was signed out in the middle is back: the same request goes on. */
export function goesOnAtSignIn(who: SessionState): void {
  if (who.state !== 'in') return;
  for (const [name, flow] of flows)
    if (name.startsWith(nameOf(who.user.id, '')) && flow.state.get().state === 'signed_out') flow.resume();
}
session.subscribe(() => goesOnAtSignIn(session.get()));

// Another tab wrote down what it begins or learned.
if (typeof addEventListener !== 'undefined')
  addEventListener('storage', (change) => {
    if (change.key) flows.get(change.key)?.resume();
  });
