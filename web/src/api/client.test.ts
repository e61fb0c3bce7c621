import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, ask, askText, UnknownOutcome } from './client';

let answer: () => Response | Promise<Response>;
beforeEach(() => {
  vi.stubGlobal('fetch', (_: string, { signal }: RequestInit) => new Promise<Response>((done, fail) => {
    const end = (): void => fail(signal!.reason as Error);
    if (signal?.aborted) end();
    signal?.addEventListener('abort', end);
    Promise.resolve(answer()).then(done, fail);
  }));
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const page = (status: number, text = '<html>not the shop</html>'): void => { answer = () => new Response(text, { status }); };
const problem = (status: number, code: string): void => {
  answer = () => new Response(JSON.stringify({ code, status, title: code }), { status });
};

describe('an answer of something in front of the shop', () => {
  it.each([500, 502, 503, 504, 520, 524, 599, 408])('is no no, where it waited for the shop or broke: %i', async (status) => {
    page(status);
    await expect(ask('/orders', { method: 'POST' })).rejects.toEqual(new UnknownOutcome('unavailable', null));
    page(status, '');
    await expect(ask('/orders', { method: 'POST' })).rejects.toBeInstanceOf(UnknownOutcome);
  });
  it.each([200, 201, 202, 203])('is no yes: %i', async (status) => {
    page(status);
    await expect(ask('/orders', { method: 'POST' })).rejects.toEqual(new UnknownOutcome('unreachable', null));
  });
  it('is no yes where it says nothing', async () => {
    page(200, '');
    await expect(ask('/orders', { method: 'POST' })).rejects.toEqual(new UnknownOutcome('unreachable', null));
    answer = () => new Response(null, { status: 204 });
    await expect(ask('/cart/items/a', { method: 'DELETE' })).resolves.toBeUndefined();
    page(202, '');
    await expect(ask('/users/password/forgotten', { method: 'POST' })).resolves.toBeUndefined();
  });
  it('is no file either', async () => {
    const answers = (type: string) => (): Response => new Response('id,state', { headers: { 'Content-Type': type } });
    answer = answers('text/html; charset=utf-8');
    await expect(askText('/admin/orders/export', 'text/csv')).rejects.toEqual(new UnknownOutcome('unreachable', null));
    answer = answers('text/csv; charset=utf-8');
    await expect(askText('/admin/orders/export', 'text/csv')).resolves.toMatchObject({ text: 'id,state' });
  });
  it('does not say that a thing is not there', async () => {
    page(404);
    await expect(ask('/orders/a')).rejects.toMatchObject({ status: 404, missing: false });
    problem(404, 'not_found');
    await expect(ask('/orders/a')).rejects.toMatchObject({ status: 404, missing: true });
  });
});

describe('the shop\'s own word', () => {
  it.each([[500, 'internal'], [408, 'request_timeout'], [409, 'sold_out']])('is an answer: %i %s', async (status, code) => {
    problem(status, code);
    await expect(ask('/orders', { method: 'POST' })).rejects.toBeInstanceOf(ApiError);
    await expect(ask('/orders', { method: 'POST' })).rejects.toMatchObject({ code });
  });
  it('may be that it does not know either', async () => {
    problem(503, 'overloaded');
    await expect(ask('/orders', { method: 'POST' })).rejects.toEqual(new UnknownOutcome('busy', null));
    problem(503, 'unavailable');
    await expect(ask('/orders', { method: 'POST' })).rejects.toEqual(new UnknownOutcome('unavailable', null));
  });
});

describe('a question', () => {
  it('needs no newer browser than the pages are built for', async () => {
    vi.spyOn(AbortSignal, 'any').mockImplementation(() => { throw new TypeError('AbortSignal.any is not a function'); });
    answer = () => new Response('{"id":"1"}');
    await expect(ask('/users/me', { signal: new AbortController().signal })).resolves.toEqual({ id: '1' });
  });
  it('is forgotten by a signal that lives on', async () => {
    const caller = new AbortController();
    for (const [text, status] of [['{}', 200], ['', 503], ['{"code":"sold_out"}', 409]] as const) {
      page(status, text);
      await ask('/products', { signal: caller.signal }).catch(() => undefined);
      expect(getEventListeners(caller.signal, 'abort')).toHaveLength(0);
    }
  });
  it('ends when its caller wants no answer any more, and when it takes too long', async () => {
    answer = () => new Promise(() => undefined);
    const caller = new AbortController();
    const asked = ask('/products', { signal: caller.signal });
    caller.abort();
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
    await expect(ask('/products', { signal: caller.signal })).rejects.toMatchObject({ name: 'AbortError' });
    await expect(ask('/products', { signal: new AbortController().signal, timeoutMs: 5 })).rejects.toEqual(new UnknownOutcome('unreachable', null));
  });
});
