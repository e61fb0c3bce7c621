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
    await merged();
    expect(kept()).toBe(collected(1));
    answer = () => new Response('{"items":[],"leftOut":[]}');
    await merged();
    expect(kept()).toBeUndefined();
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
