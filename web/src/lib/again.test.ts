import { describe, expect, it, vi } from 'vitest';
import { ApiError, UnknownOutcome } from '../api/client';
import { backoffMs, isPassing, untilAnswered } from './again';

const answer = (status: number): ApiError =>
  new ApiError({ type: '', title: '', status, detail: '', message: '', code: 'x', traceId: '' }, null);

describe('asking again', () => {
  it('waits at least as long as the server asks, and never for minutes', () => {
    for (let tries = 0; tries < 40; tries += 1)
      for (const random of [0, 0.5, 0.999]) {
        expect(backoffMs(tries, 3, random)).toBeGreaterThanOrEqual(3000);
        expect(backoffMs(tries, null, random)).toBeLessThanOrEqual(8000);
        expect(backoffMs(tries, null, random)).toBeGreaterThanOrEqual(150);
      }
  });
  it('is for silence and for "too many", not for an answer', () => {
    expect(isPassing(new UnknownOutcome('unreachable', null))).toBe(true);
    expect(isPassing(answer(429))).toBe(true);
    for (const status of [400, 404, 409, 422, 500]) expect(isPassing(answer(status))).toBe(false);
  });
  it('ends with an answer, or when nobody wants one any more', async () => {
    vi.useFakeTimers();
    const ended = new AbortController();
    let asked = 0;
    const silent = untilAnswered(() => {
      asked += 1;
      return Promise.reject(new UnknownOutcome('unreachable', null));
    }, ended.signal);
    const failed = expect(silent).rejects.toThrow(/abort/i);
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked).toBeGreaterThan(2);
    ended.abort();
    const before = asked;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toBe(before);
    await failed;
    await expect(untilAnswered(() => Promise.resolve(7), new AbortController().signal)).resolves.toBe(7);
    await expect(untilAnswered(() => Promise.reject(answer(409)), new AbortController().signal)).rejects.toMatchObject({ status: 409 });
    vi.useRealTimers();
  });
  it('takes only "not found" for "not here"', () => {
    expect(answer(404).missing).toBe(true);
    for (const status of [400, 403, 409, 422, 429, 500]) expect(answer(status).missing).toBe(false);
  });
});
