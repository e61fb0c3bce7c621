import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ask } from '../api/client';
import { load, session } from './session';
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
  it('is over when the server says so', async () => {
    refreshed = () => Promise.resolve(problem(401, 'unauthenticated'));
    await load();
    expect(tries).toBe(1);
    expect(session.get()).toEqual({ state: 'out', lost: true });
  });
});
