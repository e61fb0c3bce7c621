import { describe, expect, it } from 'vitest';
import { ApiError, UnknownOutcome } from '../api/client';
import type { Order } from '../api/types';
import { resumeMsMax } from './again';
import { PurchaseFlow, type Buying, type Purchase } from './purchase';

const order = (id: string, ticket: number | null): Order => ({ id, items: [{ ticket }] } as unknown as Order);
const refusal = (code: string, status = 409, more: object = {}): ApiError =>
  new ApiError({ type: '', title: '', status, detail: code, message: '', code, traceId: '', ...more }, null);

/** Tabs of one browser: they share what is stored and who may go on alone. */
class Browser {
  stored = new Map<string, string>();
  time = 1_000_000;
  sent: string[] = [];
  keys = 0;
  waits: number[] = [];
  signedIn: string | null = 'buyer';
  /** What was taken out of whose cart, and when that is done. */
  taken: unknown[] = [];
  takenOut: Promise<void> = Promise.resolve();
  private queue: Promise<void> = Promise.resolve();

  constructor(private readonly answer: (key: string, tries: number) => Promise<Order>) {}

  tab(what = 'product'): PurchaseFlow {
    const buying: Buying = {
      signedIn: () => this.signedIn,
      place: (_, key) => {
        this.sent.push(key);
        return this.answer(key, this.sent.length);
      },
      wait: (ms) => {
        this.waits.push(ms);
        this.time += ms;
        return Promise.resolve();
      },
      now: () => this.time,
      read: (name) => this.stored.get(name) ?? null,
      write: (name, value) => void (value === null ? this.stored.delete(name) : this.stored.set(name, value)),
      alone: (_, work) => {
        this.queue = this.queue.then(work);
        return this.queue;
      },
      newKey: () => `key-${(this.keys += 1)}`,
      serverNow: () => this.time,
      takeOut: (buyer, lines) => {
        this.taken.push([buyer, lines]);
        return this.takenOut;
      },
    };
    return new PurchaseFlow('buyer', what, buying);
  }
}
const items = [{ productId: 'product', quantity: 1 }];
const settled = () => new Promise((done) => setTimeout(done, 0));

describe('a purchase', () => {
  it('is one key, however often the button is pressed and in however many tabs', async () => {
    let release: (value: Order) => void = () => undefined;
    const browser = new Browser(() => new Promise((answer) => { release = answer; }));
    const [one, two] = [browser.tab(), browser.tab()];
    void one.buy(items);
    void one.buy(items);
    void two.buy(items);
    await settled();
    expect(one.state.get().state).toBe('asking');
    expect(two.state.get().state).toBe('asking');
    release(order('o1', 317));
    await settled();
    await settled();
    expect(browser.sent).toEqual(['key-1']);
    for (const tab of [one, two])
      expect(tab.state.get()).toEqual({ state: 'bought', orderId: 'o1', ticket: 317, items });
  });

  it('never takes silence for a no: the same key is sent until there is an answer', async () => {
    const browser = new Browser((_, tries) => (tries < 6
      ? Promise.reject(new UnknownOutcome(tries % 2 ? 'unreachable' : 'unavailable', null))
      : Promise.resolve(order('o1', 1))));
    const tab = browser.tab();
    const seen = new Set<Purchase['state']>();
    tab.state.subscribe(() => seen.add(tab.state.get().state));
    await tab.buy(items);
    expect(new Set(browser.sent)).toEqual(new Set(['key-1']));
    expect(browser.sent).toHaveLength(6);
    expect([...seen]).toEqual(['asking', 'bought']);
  });

  it.each([401, 403, 404, 451])('is not ended by the no of something in front of the shop: %i', async (status) => {
    const browser = new Browser((_, tries) => (tries < 4 ? Promise.reject(refusal(`http_${status}`, status)) : Promise.resolve(order('o1', 1))));
    const tab = browser.tab();
    const seen = new Set<Purchase['state']>();
    tab.state.subscribe(() => seen.add(tab.state.get().state));
    await tab.buy(items);
    expect(browser.sent).toEqual(Array(4).fill('key-1'));
    expect([...seen]).toEqual(['asking', 'bought']);
    const never = new Browser(() => Promise.reject(refusal(`http_${status}`, status)));
    const other = never.tab();
    await other.buy(items);
    expect(other.state.get()).toMatchObject({ state: 'refused', why: 'unknown' });
    expect(never.time).toBeGreaterThan(1_000_000 + resumeMsMax);
  });

  it('is not ended by an answer that is no order', async () => {
    const browser = new Browser((_, tries) => Promise.resolve(tries === 1 ? {} as Order : order('o1', 1)));
    const tab = browser.tab();
    await tab.buy(items);
    expect(browser.sent).toEqual(['key-1', 'key-1']);
    expect(tab.state.get().state).toBe('bought');
  });

  it.each(['{}', '[]', '7', 'null', '{', '{"pending":null}', '{"pending":{"key":"a","since":1}}', '{"pending":{"key":"a","since":1,"items":[null]}}',
    '{"done":null}', '{"done":{"state":"bought"}}', '{"done":{"state":"idle"}}'])('is not read from %s', async (text) => {
    const browser = new Browser(() => Promise.resolve(order('o1', 1)));
    browser.stored.set('market.buy.buyer.product', text);
    const tab = browser.tab();
    tab.resume(true);
    await settled();
    expect([tab.state.get().state, browser.sent]).toEqual(['idle', []]);
    await tab.buy(items);
    expect(tab.state.get().state).toBe('bought');
  });

  it('goes on after the page was loaded again', async () => {
    const browser = new Browser((_, tries) => (tries === 1 ? new Promise(() => undefined) : Promise.resolve(order('o1', 2))));
    void browser.tab().buy(items);
    await settled();
    const stored = new Map(browser.stored);
    const again = new Browser(() => Promise.resolve(order('o1', 2)));
    again.stored = stored;
    const tab = again.tab();
    tab.resume();
    await settled();
    expect(again.sent).toEqual(['key-1']);
    expect(tab.state.get()).toMatchObject({ state: 'bought', ticket: 2 });
  });

  it('is not made unasked a long time later', async () => {
    const browser = new Browser(() => new Promise(() => undefined));
    void browser.tab().buy(items);
    await settled();
    browser.time += resumeMsMax + 1;
    const later = browser.tab();
    later.resume();
    await settled();
    expect(later.state.get()).toMatchObject({ state: 'refused', why: 'unknown' });
    expect(browser.stored.size).toBe(0);
    expect(browser.sent).toEqual(['key-1']);
  });

  it('is not made unasked by a page that stayed open without a network either', async () => {
    const browser = new Browser(() => Promise.reject(new UnknownOutcome('unreachable', 60)));
    const tab = browser.tab();
    await tab.buy(items);
    expect(tab.state.get()).toMatchObject({ state: 'refused', why: 'unknown' });
    expect(browser.time).toBeGreaterThan(1_000_000 + resumeMsMax);
    expect(new Set(browser.sent)).toEqual(new Set(['key-1']));
    expect(browser.stored.size).toBe(0);
  });

  it('is refused for the page that asked, and for the tabs beside it, but not for ever', async () => {
    const browser = new Browser(() => Promise.reject(refusal('limit_exceeded')));
    const [one, two] = [browser.tab(), browser.tab()];
    await one.buy(items);
    two.resume();
    for (const tab of [one, two]) expect(tab.state.get()).toMatchObject({ why: 'limit_exceeded' });
    const later = browser.tab();
    later.resume(true);
    expect(later.state.get().state).toBe('idle');
    one.leave();
    expect(one.state.get().state).toBe('idle');
  });

  it('stays bought when its page is left or loaded again', async () => {
    const browser = new Browser(() => Promise.resolve(order('o1', 3)));
    const tab = browser.tab();
    await tab.buy(items);
    tab.leave();
    const later = browser.tab();
    later.resume(true);
    for (const each of [tab, later]) expect(each.state.get()).toMatchObject({ state: 'bought', ticket: 3 });
  });

  it('waits for the opening when it came a moment early, and no longer than that', async () => {
    const browser = new Browser((_, tries) => (tries === 1
      ? Promise.reject(refusal('sale_not_open', 409, { opensAt: new Date(1_000_400).toISOString() }))
      : Promise.resolve(order('o1', 1))));
    await browser.tab().buy(items);
    expect(browser.sent).toEqual(['key-1', 'key-1']);
    expect(browser.waits[0]).toBeGreaterThanOrEqual(400);
    expect(browser.waits[0]).toBeLessThan(500);
  });

  it.each(['sold_out', 'limit_exceeded', 'sale_closed', 'insufficient_stock'])('ends with the server\'s no: %s', async (code) => {
    const browser = new Browser(() => Promise.reject(refusal(code)));
    const tab = browser.tab();
    await tab.buy(items);
    expect(tab.state.get()).toMatchObject({ state: 'refused', why: code, asked: 1 });
    await tab.buy(items);
    expect(browser.sent).toEqual(['key-1', 'key-2']);
  });

  it('is forgotten by whoever sees that it is done, at once', async () => {
    const browser = new Browser((key) => Promise.resolve(order(key, 1)));
    const tab = browser.tab();
    const seen: string[] = [];
    tab.state.subscribe(() => {
      const now = tab.state.get();
      if (now.state !== 'bought') return;
      seen.push(now.orderId);
      tab.clear();
    });
    for (const key of ['key-1', 'key-2']) {
      await tab.buy(items);
      expect(seen.at(-1)).toBe(key);
      expect(browser.stored.size).toBe(0);
      expect(tab.state.get().state).toBe('idle');
    }
  });

  it('is no other one for a press in the moment after its answer', async () => {
    const browser = new Browser(() => Promise.resolve(order('o1', 1)));
    const tab = browser.tab();
    tab.state.subscribe(() => {
      if (tab.state.get().state !== 'bought') return;
      tab.clear();
      void tab.buy(items);
    });
    await tab.buy(items);
    await settled();
    browser.tab().resume(true); // The page that is loaded next.
    await settled();
    expect(browser.sent).toEqual(['key-1']);
    expect(browser.stored.size).toBe(0);
  });

  it('is not forgotten while it is asked for', async () => {
    const browser = new Browser(() => new Promise(() => undefined));
    const tab = browser.tab();
    void tab.buy(items);
    await settled();
    tab.clear();
    expect(browser.stored.size).toBe(1);
    expect(tab.state.get().state).toBe('asking');
  });

  it('is never made for whoever signs in between two tries, and goes on for its own buyer', async () => {
    const browser = new Browser((_, tries) => {
      if (tries > 1) return Promise.resolve(order('o1', 1));
      browser.signedIn = 'another';
      return Promise.reject(new UnknownOutcome('busy', 6));
    });
    const tab = browser.tab();
    await tab.buy(items);
    expect(browser.sent).toEqual(['key-1']);
    expect(tab.state.get().state).toBe('signed_out');
    browser.signedIn = 'buyer';
    tab.resume();
    await settled();
    expect(browser.sent).toEqual(['key-1', 'key-1']);
    expect(tab.state.get().state).toBe('bought');
  });

  it('keeps its key while somebody signs in again', async () => {
    const browser = new Browser((_, tries) => (tries === 1 ? Promise.reject(refusal('unauthenticated', 401)) : Promise.resolve(order('o1', 1))));
    const tab = browser.tab();
    await tab.buy(items);
    expect(tab.state.get().state).toBe('signed_out');
    tab.resume();
    await settled();
    expect(browser.sent).toEqual(['key-1', 'key-1']);
    expect(tab.state.get().state).toBe('bought');
  });
});

describe('an order of the cart', () => {
  const bag = [{ productId: 'bag', quantity: 2 }];
  it('takes out what was ordered, in the tab that got the answer', async () => {
    const browser = new Browser(() => Promise.resolve(order('o1', null)));
    const [one, two] = [browser.tab('cart'), browser.tab('cart')];
    await one.buy(bag);
    two.resume();
    expect(browser.taken).toEqual([['buyer', bag]]);
    await browser.tab().buy(items);
    expect(browser.taken).toHaveLength(1); // What was bought on its own page is in no cart.
  });
  it('takes it out when the answer comes to a page that was loaded again', async () => {
    const browser = new Browser((_, tries) => (tries === 1 ? new Promise(() => undefined) : Promise.resolve(order('o1', null))));
    void browser.tab('cart').buy(bag);
    await settled();
    const again = new Browser(() => Promise.resolve(order('o1', null)));
    again.stored = browser.stored;
    again.tab('cart').resume(true);
    await settled();
    expect(again.taken).toEqual([['buyer', bag]]);
  });
  it('is shown by the page that is open, and leads nowhere once the cart is without it', async () => {
    let done: () => void = () => undefined;
    const browser = new Browser(() => Promise.resolve(order('o1', null)));
    browser.takenOut = new Promise((settle) => { done = settle; });
    const tab = browser.tab('cart');
    await tab.buy(bag);
    expect(browser.stored.size).toBe(1);
    done();
    await settled();
    expect(browser.stored.size).toBe(0);
    expect(tab.state.get()).toMatchObject({ state: 'bought', orderId: 'o1' });
    const later = browser.tab('cart');
    later.resume(true);
    expect(later.state.get().state).toBe('idle');
  });
  it('leads nowhere long afterwards, whatever became of the cart', async () => {
    const browser = new Browser(() => Promise.resolve(order('o1', null)));
    browser.takenOut = Promise.reject(new Error('never'));
    await browser.tab('cart').buy(bag);
    const soon = browser.tab('cart');
    soon.resume(true);
    expect(soon.state.get().state).toBe('bought');
    browser.time += resumeMsMax + 1;
    const later = browser.tab('cart');
    later.resume(true);
    expect(later.state.get().state).toBe('idle');
  });
  it('shows itself once, and not in a shop that was open all the time either', async () => {
    const browser = new Browser((key) => Promise.resolve(order(key, null)));
    const tab = browser.tab('cart');
    await tab.buy(bag);
    tab.forgetOld();
    expect(tab.state.get().state).toBe('bought');
    browser.takenOut = new Promise(() => undefined);
    tab.forgetRecord();
    expect([tab.state.get().state, browser.stored.size]).toEqual(['bought', 0]);
    const loaded = browser.tab('cart');
    loaded.resume(true);
    expect(loaded.state.get().state).toBe('idle');
    tab.leave();
    expect([tab.state.get().state, browser.stored.size]).toEqual(['idle', 0]);
    browser.takenOut = Promise.resolve();
    await tab.buy(bag);
    await settled(); // The cart is without it.
    browser.time += resumeMsMax + 1;
    tab.forgetOld();
    expect(tab.state.get().state).toBe('idle');
    const product = browser.tab();
    await product.buy(items);
    browser.time += resumeMsMax + 1;
    product.forgetOld();
    expect(product.state.get().state).toBe('bought');
  });
  it('does not forget the next one', async () => {
    let done: () => void = () => undefined;
    const browser = new Browser((key) => Promise.resolve(order(key, null)));
    browser.takenOut = new Promise((settle) => { done = settle; });
    const tab = browser.tab('cart');
    await tab.buy(bag);
    tab.clear();
    browser.takenOut = new Promise(() => undefined);
    await tab.buy(bag);
    done();
    await settled();
    expect(browser.stored.get('market.buy.buyer.cart')).toContain('key-2');
  });
});
