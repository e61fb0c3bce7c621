import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { User } from '../api/types';

const problem = (status: number, code: string): Response => new Response(JSON.stringify({ code, status, title: code }), { status });
const user = { id: 'u1' } as User;
const collected = (count: number): string =>
  JSON.stringify(Array.from({ length: count }, (_, at) => ({ productId: `p${at + 1}`, quantity: 1 })));

/** What the server was asked, and how it answers: by method and path. */
let asked: string[];
let answer: (what: string, body: string) => Response | Promise<Response>;

let stored: Map<string, string>;
const kept = (): string | undefined => stored.get('market.cart');

beforeEach(() => {
  vi.resetModules(); // A cart of its own for each: what this part does as it is loaded is tested, too.
  stored = new Map();
  vi.stubGlobal('localStorage', {
    getItem: (name: string) => stored.get(name) ?? null,
    setItem: (name: string, value: string) => void stored.set(name, value),
    removeItem: (name: string) => void stored.delete(name),
  });
  asked = [];
  answer = () => new Response('{"items":[],"leftOut":[]}');
  vi.stubGlobal('fetch', (path: string, { method, body }: RequestInit) => {
    const what = `${method} ${path.replace('/api/v1', '')}`;
    asked.push(what);
    return Promise.resolve(answer(what, String(body)));
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

describe('what was collected before signing in', () => {
  it('is sent by a part that is loaded when somebody is in already', async () => {
    stored.set('market.cart', collected(1));
    const { session } = await import('./session');
    session.set({ state: 'in', user });
    const { merged } = await import('./cart');
    await merged();
    expect(asked).toEqual(['POST /cart/merge']);
    expect(kept()).toBeUndefined();
    await merged();
    expect(asked).toHaveLength(1);
  });
  it('stays, and is sent again, when the server is busy', async () => {
    stored.set('market.cart', collected(1));
    const { session } = await import('./session');
    const { merged } = await import('./cart');
    await merged();
    expect(asked).toEqual([]);
    answer = () => problem(503, 'overloaded');
    session.set({ state: 'in', user });
    await expect(merged()).rejects.toMatchObject({ reason: 'busy' });
    expect(kept()).toBe(collected(1));
    answer = () => new Response('{"items":[],"leftOut":[]}');
    await merged();
    expect(kept()).toBeUndefined();
  });
});

describe('more than a cart takes', () => {
  const leftOut = (reasons: Record<string, string>): Response => new Response(JSON.stringify({
    items: [], leftOut: Object.entries(reasons).map(([productId, reason]) => ({ productId, reason })),
  }));
  it('waits in the browser for room', async () => {
    stored.set('market.cart', collected(3));
    const { session } = await import('./session');
    const { merged, setQuantity, waits } = await import('./cart');
    answer = () => leftOut({ p1: 'product_not_found', p2: 'list_full' });
    session.set({ state: 'in', user });
    await merged();
    expect(waits.get()).toBe(true);
    expect(kept()).toBe('[{"productId":"p2","quantity":1}]');
    await merged();
    expect(asked).toHaveLength(1); // Nothing was taken out meanwhile.
    answer = () => leftOut({});
    await setQuantity('p9', 0);
    expect(asked.slice(1)).toEqual(['DELETE /cart/items/p9', 'POST /cart/merge', 'GET /cart']);
    expect([waits.get(), kept()]).toEqual([false, undefined]);
  });
  it('is refused in the browser as on the server; a row stays in its place', async () => {
    stored.set('market.cart', collected(20));
    const { browserCart, setQuantity } = await import('./cart');
    await expect(setQuantity('p21', 1)).rejects.toMatchObject({ status: 409, code: 'list_full' });
    expect(kept()).toBe(collected(20));
    await setQuantity('p1', 2);
    expect(browserCart.get()[0]).toEqual({ productId: 'p1', quantity: 2 });
    await setQuantity('p1', 0);
    await setQuantity('p21', 1);
    expect(browserCart.get().map((each) => each.productId).at(-1)).toBe('p21');
  });
});

describe('a cart on the server', () => {
  it('is changed in the order of the presses, however long an answer takes', async () => {
    const { session } = await import('./session');
    session.set({ state: 'in', user });
    const { setQuantity } = await import('./cart');
    let answered: (() => void) | undefined;
    answer = (what) => (what.startsWith('PUT /cart/items/p1')
      ? new Promise((done) => { answered = () => done(problem(503, 'overloaded')); }) : new Response('{"items":[]}'));
    const typed = setQuantity('p1', 3);
    const removed = setQuantity('p1', 0);
    await vi.waitFor(() => expect(answered).toBeDefined());
    expect(asked).toEqual(['PUT /cart/items/p1']);
    answered!();
    await expect(typed).rejects.toMatchObject({ reason: 'busy' });
    await removed;
    expect(asked).toEqual(['PUT /cart/items/p1', 'DELETE /cart/items/p1', 'GET /cart']);
  });
});

describe('what was ordered', () => {
  const lines = [{ productId: 'p1', quantity: 1 }, { productId: 'p2', quantity: 3 }];
  const list = (): string | undefined => stored.get('market.ordered.u1');
  const ordered = (count: number, agoMs = 0): string => JSON.stringify(lines.slice(0, count).map((each) => ({ ...each, at: Date.now() - agoMs })));
  /** The server's cart, whatever else is answered. */
  const having = (items: { productId: string; quantity: number }[], other: (what: string) => Response | Promise<Response>) =>
    (what: string): Response | Promise<Response> => (what === 'GET /cart' ? new Response(JSON.stringify({ items })) : other(what));
  const deleted = (): string[] => asked.filter((each) => each.startsWith('DELETE'));
  const gone = (): Response => new Response(null, { status: 204 });
  const lost = (): Promise<Response> => Promise.reject(new TypeError('lost'));
  const signedIn = async (): Promise<typeof import('./cart')> => {
    const { session } = await import('./session');
    session.set({ state: 'in', user });
    return import('./cart');
  };
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is taken out until that is answered', async () => {
    const { takeOut } = await signedIn();
    let tries = 0;
    const troubles = [lost, () => problem(503, 'overloaded'), () => new Response('<html>', { status: 403 }), gone];
    answer = having(lines, (what) => (what === 'DELETE /cart/items/p1' ? troubles[tries++]!() : gone()));
    const done = takeOut('u1', lines);
    expect(list()).toBe(ordered(2));
    await vi.advanceTimersByTimeAsync(10_000);
    await done;
    expect(deleted()).toEqual(['DELETE /cart/items/p1', 'DELETE /cart/items/p2', ...Array(3).fill('DELETE /cart/items/p1')]);
    expect(list()).toBeUndefined();
  });
  it('is taken out by the page that is loaded next, before anything is added', async () => {
    stored.set('market.ordered.u1', ordered(1));
    stored.set('market.cart', collected(1));
    answer = having(lines, (what) => (what.startsWith('DELETE') ? gone() : new Response('{"items":[],"leftOut":[]}')));
    await signedIn();
    await vi.advanceTimersByTimeAsync(100);
    expect(asked).toEqual(['GET /cart', 'DELETE /cart/items/p1', 'POST /cart/merge']);
    expect(list()).toBeUndefined();
  });
  it('is taken out of nobody else\'s cart, and of its own when its buyer is back', async () => {
    const { takeOut } = await signedIn();
    const { session } = await import('./session');
    answer = lost;
    void takeOut('u1', lines.slice(0, 1));
    await vi.advanceTimersByTimeAsync(50);
    session.set({ state: 'in', user: { id: 'u2' } as User });
    answer = having(lines, gone);
    asked = [];
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked).toEqual([]);
    session.set({ state: 'in', user });
    await vi.advanceTimersByTimeAsync(100);
    expect(deleted()).toEqual(['DELETE /cart/items/p1']);
  });
  it('and put in again afterwards stays in', async () => {
    const { takeOut, setQuantity, takenOut } = await signedIn();
    answer = having(lines, (what) => (what.startsWith('DELETE') ? problem(503, 'overloaded') : new Response('{"items":[]}')));
    void takeOut('u1', lines);
    const put = setQuantity('p1', 1);
    await vi.advanceTimersByTimeAsync(50);
    await put;
    answer = having(lines, gone);
    asked = [];
    await takenOut();
    expect(deleted()).toEqual(['DELETE /cart/items/p2']);
  });
  it('is not taken out where another browser has changed it since', async () => {
    const { takeOut } = await signedIn();
    answer = having([{ productId: 'p1', quantity: 4 }, lines[1]!], gone);
    await takeOut('u1', lines);
    expect(deleted()).toEqual(['DELETE /cart/items/p2']);
    expect(list()).toBeUndefined();
  });
  it('is not taken out another day', async () => {
    const { takenOut } = await signedIn();
    answer = having(lines, gone);
    for (const left of [ordered(2, 10 * 60_000 + 1), JSON.stringify(lines)]) {
      stored.set('market.ordered.u1', left);
      await takenOut();
      expect(deleted()).toEqual([]);
      expect(list()).toBeUndefined();
    }
    stored.set('market.ordered.u1', ordered(2, 9 * 60_000));
    await takenOut();
    expect(deleted()).toHaveLength(2);
  });
});

describe('one more of a product', () => {
  let inCart: number;
  beforeEach(async () => {
    vi.useFakeTimers();
    const { session } = await import('./session');
    session.set({ state: 'in', user });
    inCart = 2;
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const cart = (): Response => new Response(JSON.stringify({ items: [{ productId: 'p1', quantity: inCart }] }));
  /** Carried out, but the answers of the first tries are lost. */
  const losing = (count: number) => (what: string, body: string): Response | Promise<Response> => {
    if (!what.startsWith('PUT')) return cart();
    inCart = (JSON.parse(body) as { quantity: number }).quantity;
    count -= 1;
    return count >= 0 ? Promise.reject(new TypeError('lost')) : cart();
  };

  it('is one more, although an answer was lost', async () => {
    const { addOne } = await import('./cart');
    answer = losing(2);
    let waited = 0;
    const added = addOne('p1', () => { waited += 1; });
    await vi.advanceTimersByTimeAsync(5000);
    await added;
    expect([inCart, waited]).toEqual([3, 2]);
  });
  it('is one more, although it was said that it did not work and pressed again', async () => {
    const { addOne, setQuantity } = await import('./cart');
    answer = losing(5);
    const failed = expect(addOne('p1', () => undefined)).rejects.toMatchObject({ reason: 'unreachable' });
    await vi.advanceTimersByTimeAsync(60_000);
    await failed;
    await addOne('p1', () => undefined);
    expect(inCart).toBe(3);
    await addOne('p1', () => undefined);
    expect(inCart).toBe(4);
    // What is typed in between counts.
    answer = losing(5);
    const again = expect(addOne('p1', () => undefined)).rejects.toMatchObject({ reason: 'unreachable' });
    await vi.advanceTimersByTimeAsync(60_000);
    await again;
    await setQuantity('p1', 1);
    await addOne('p1', () => undefined);
    expect(inCart).toBe(2);
  });
  /** Five tries without an answer, and it is said that it did not work. */
  const failing = async (addOne: (typeof import('./cart'))['addOne'], why: object): Promise<void> => {
    const failed = expect(addOne('p1', () => undefined)).rejects.toMatchObject(why);
    await vi.advanceTimersByTimeAsync(60_000);
    await failed;
  };
  it('is one more than the cart has by now, where it is another one', async () => {
    const { addOne, takeOut } = await import('./cart');
    answer = losing(5);
    await failing(addOne, { reason: 'unreachable' });
    inCart = 0; // Ordered in another browser, say.
    await addOne('p1', () => undefined);
    expect(inCart).toBe(1);
    inCart = 2;
    answer = losing(5);
    await failing(addOne, { reason: 'unreachable' });
    answer = (what, body) => (what.startsWith('DELETE') ? new Response(null, { status: 204 }) : losing(0)(what, body));
    await takeOut('u1', [{ productId: 'p1', quantity: 3 }]);
    inCart = 2; // And these are others.
    await addOne('p1', () => undefined);
    expect(inCart).toBe(3);
    await addOne('p1', () => undefined);
    expect(inCart).toBe(4);
  });
  it.each([429, 401, 403])('is one more, although what was lost was followed by a %i', async (status) => {
    const { addOne } = await import('./cart');
    let tries = 0;
    const lose = losing(4);
    answer = (what, body) => (what.startsWith('PUT') && (tries += 1) > 4
      ? (status === 403 ? new Response('<html>', { status }) : problem(status, 'other')) : lose(what, body));
    await failing(addOne, { status });
    answer = losing(0);
    await addOne('p1', () => undefined);
    expect(inCart).toBe(3);
  });
  it('is counted from no other cart', async () => {
    const { addOne } = await import('./cart');
    const { session } = await import('./session');
    const other = { id: 'u2' } as User;
    answer = () => {
      session.set({ state: 'in', user: other });
      return new Response('{"items":[{"productId":"p1","quantity":7}]}');
    };
    await expect(addOne('p1', () => undefined)).rejects.toMatchObject({ name: 'AbortError' });
    session.set({ state: 'in', user });
    answer = losing(0);
    await addOne('p1', () => undefined);
    expect(inCart).toBe(3);
  });
  it('is put into no other cart than that of who pressed', async () => {
    const { addOne } = await import('./cart');
    const { session } = await import('./session');
    answer = losing(1);
    const ended = expect(addOne('p1', () => session.set({ state: 'in', user: { id: 'u2' } as User }))).rejects.toMatchObject({ name: 'AbortError' });
    await vi.advanceTimersByTimeAsync(5000);
    await ended;
    expect(asked.filter((each) => each.startsWith('PUT'))).toHaveLength(1);
    expect(inCart).toBe(3);
  });
});
