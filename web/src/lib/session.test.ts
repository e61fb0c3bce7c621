import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ask } from '../api/client';
import type { User } from '../api/types';
import { load, session, signOut } from './session';
import { keep } from './store';

const problem = (status: number, code: string): Response => new Response(JSON.stringify({ code, status, title: code }), { status });

describe('a session that has run out', () => {
  let refreshed: (tries: number) => Promise<Response>;
  let tries = 0;
  const limits: number[] = [];
  beforeEach(() => {
    tries = 0;
    limits.length = 0;
    keep('market.session', '1');
    vi.stubGlobal('navigator', {});
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
      limits.push(ms);
      return timeout(ms);
    });
    let renewed = false;
    vi.stubGlobal('fetch', async (path: string) => {
      if (!path.endsWith('/sessions/refresh')) return renewed ? new Response('{"id":"1"}') : problem(401, 'unauthenticated');
      tries += 1;
      const answer = await refreshed(tries);
      renewed = answer.ok;
      return answer;
    });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });

  it('is renewed although an answer was lost, while the old token still works', async () => {
    refreshed = (count) => (count === 1 ? Promise.reject(new TypeError('lost')) : Promise.resolve(new Response(null, { status: 204 })));
    await expect(ask('/users/me')).resolves.toEqual({ id: '1' });
    expect(tries).toBe(2);
    expect(limits.filter((ms) => ms === 4000)).toHaveLength(2);
  });
  it('is asked for no more often than that, nor by a crowd', async () => {
    refreshed = () => Promise.reject(new TypeError('lost'));
    await expect(ask('/users/me')).rejects.toMatchObject({ reason: 'unreachable' });
    expect(tries).toBe(2);
    refreshed = () => Promise.resolve(problem(503, 'overloaded'));
    await expect(ask('/users/me')).rejects.toMatchObject({ reason: 'busy' });
    expect(tries).toBe(3);
  });
  it.each([401, 403, 404])('is not over when something in front of the server says so: %i', async (status) => {
    session.set({ state: 'in', user: { id: '1' } as User });
    refreshed = () => Promise.resolve(new Response('<html>', { status }));
    await expect(ask('/users/me')).rejects.toMatchObject({ status });
    expect(session.get().state).toBe('in');
    vi.stubGlobal('fetch', async () => new Response('<html>', { status }));
    await load();
    await expect(signOut()).rejects.toMatchObject({ status });
    expect(session.get().state).toBe('in');
  });
  it('is over when the server says so', async () => {
    refreshed = () => Promise.resolve(problem(401, 'unauthenticated'));
    await load();
    expect(tries).toBe(1);
    expect(session.get()).toEqual({ state: 'out', lost: true });
  });
});

describe('somebody else signs in beside this page', () => {
  const [shown, other] = [{ id: 'shown' } as User, { id: 'other' } as User];
  let owner: User;
  /** Method, path and `Market-User`. */
  let asked: string[];
  let busy: boolean;
  beforeEach(() => {
    vi.useFakeTimers();
    keep('market.session', '1');
    session.set({ state: 'in', user: shown });
    [owner, asked, busy] = [other, [], false];
    vi.stubGlobal('navigator', {});
    vi.stubGlobal('fetch', async (path: string, { method, headers }: { method: string; headers: Headers }) => {
      const named = headers.get('Market-User');
      asked.push([method, path.replace('/api/v1', ''), named].filter(Boolean).join(' '));
      if (path.endsWith('/sessions/refresh')) return new Response(null, { status: 204 });
      if (named !== null && named !== owner.id) return problem(401, 'unauthenticated');
      return busy ? problem(503, 'overloaded') : new Response(JSON.stringify(owner));
    });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  it('says for whom it sends', async () => {
    owner = shown;
    await ask('/users/me', { method: 'PATCH', body: {} });
    await ask('/sessions', { method: 'POST', body: {}, plain: true });
    expect(asked).toEqual(['PATCH /users/me shown', 'POST /sessions']);
  });
  it('sends nothing in his name, and asks who is in until it knows', async () => {
    busy = true;
    const save = (): Promise<unknown> => ask('/users/me', { method: 'PATCH', body: {} });
    await expect(save()).rejects.toMatchObject({ status: 401 });
    await expect(save()).rejects.toMatchObject({ status: 401 });
    expect(session.get()).toEqual({ state: 'in', user: shown });
    expect(asked.filter((each) => each.startsWith('POST'))).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(3000);
    expect(asked.filter((each) => each.startsWith('GET'))).toEqual(['GET /users/me', 'GET /users/me']);
    busy = false;
    await vi.advanceTimersByTimeAsync(2000);
    expect(session.get()).toEqual({ state: 'in', user: other });
    expect(await save()).toEqual(other);
  });
  it('does nothing in his name for a page whose session is lost, until its user has gone', async () => {
    session.set({ state: 'out', lost: true });
    keep('market.session', null);
    const save = (): Promise<unknown> => ask('/users/me', { method: 'PATCH', body: {} });
    await expect(save()).rejects.toMatchObject({ status: 401 });
    expect(asked).toEqual(['PATCH /users/me shown']);
    session.set({ state: 'out', lost: false });
    await ask('/products');
    expect(asked.at(-1)).toBe('GET /products');
  });
  it('does not end his session', async () => {
    await signOut();
    expect(session.get()).toEqual({ state: 'in', user: other });
  });
});

describe('a sign-in in another tab', () => {
  it('is followed also where its storage is seen here later than its word', async () => {
    keep('market.session', null);
    session.set({ state: 'out', lost: true });
    vi.stubGlobal('navigator', {});
    vi.stubGlobal('fetch', async () => new Response('{"id":"1"}'));
    const other = new BroadcastChannel('market-session');
    other.postMessage('in');
    await vi.waitFor(() => expect(session.get()).toEqual({ state: 'in', user: { id: '1' } }));
    other.close();
    vi.unstubAllGlobals();
  });
});
