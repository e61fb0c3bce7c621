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
