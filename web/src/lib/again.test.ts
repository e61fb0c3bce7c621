import { describe, expect, it, vi } from 'vitest';
import { ApiError, UnknownOutcome } from '../api/client';
import { backoffMs, isDone, isPassing, SentBefore, untilAnswered } from './again';

const answer = (status: number): ApiError =>
  new ApiError({ type: '', title: '', status, detail: '', message: '', code: 'x', traceId: '' }, null);

const strange = (status: number): ApiError =>
  new ApiError({ type: '', title: '', status, detail: '', message: '', code: `http_${status}`, traceId: '' }, null);

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
  it('says of each try that it got no answer, and may be ended there', async () => {
    vi.useFakeTimers();
    let [asked, heard] = [0, 0];
    const done = untilAnswered(() => (asked++ < 2 ? Promise.reject(new UnknownOutcome('busy', null)) : Promise.resolve(7)),
      new AbortController().signal, () => { heard += 1; });
    await vi.advanceTimersByTimeAsync(10_000);
    await expect(done).resolves.toBe(7);
    expect(heard).toBe(2);
    await expect(untilAnswered(() => Promise.reject(answer(429)), new AbortController().signal, (why) => { throw why; }))
      .rejects.toMatchObject({ status: 429 });
    vi.useRealTimers();
  });
  it('goes on where something in front of the shop refuses, but for what is too large for it', async () => {
    vi.useFakeTimers();
    let tries = 0;
    const work = (): Promise<number> => ((tries += 1) < 3 ? Promise.reject(strange(403)) : Promise.resolve(7));
    const done = untilAnswered(work, new AbortController().signal);
    await vi.advanceTimersByTimeAsync(10_000);
    await expect(done).resolves.toBe(7);
    await expect(untilAnswered(() => Promise.reject(strange(413)), new AbortController().signal)).rejects.toMatchObject({ status: 413 });
    vi.useRealTimers();
  });
  it('takes only "not found" for "not here"', () => {
    expect(answer(404).missing).toBe(true);
    for (const status of [400, 403, 409, 422, 429, 500]) expect(answer(status).missing).toBe(false);
    expect(strange(404).missing).toBe(false);
  });
});

describe('what the server refuses when it is sent again', () => {
  const lost = (): Promise<never> => Promise.reject(new UnknownOutcome('unreachable', null));
  const refused = (): Promise<never> => Promise.reject(answer(409));
  it('was done after a try without an answer, where that is found out', async () => {
    const before = new SentBefore();
    await expect(before.send('a', lost, () => true)).rejects.toBeInstanceOf(UnknownOutcome);
    await expect(before.send('a', refused, () => false)).rejects.toMatchObject({ status: 409 });
    await expect(before.send('b', refused, () => true), 'something else').rejects.toMatchObject({ status: 409 });
    await expect(before.send('a', refused, () => true)).resolves.toBeUndefined();
  });
  it('is refused where nothing was sent before', async () => {
    const before = new SentBefore();
    await expect(before.send('a', refused, () => true)).rejects.toMatchObject({ status: 409 });
    await expect(before.send('a', refused, () => true)).rejects.toMatchObject({ status: 409 });
    await before.send('a', () => Promise.resolve(), () => false);
    await expect(before.send('a', refused, () => true)).resolves.toBeUndefined();
  });
  it('tells a refusal from silence', async () => {
    await expect(isDone(() => Promise.resolve())).resolves.toBe(true);
    await expect(isDone(refused)).resolves.toBe(false);
    await expect(isDone(lost)).rejects.toBeInstanceOf(UnknownOutcome);
    await expect(isDone(() => Promise.reject(strange(403)))).rejects.toMatchObject({ status: 403 });
    const before = new SentBefore();
    await expect(before.send('a', () => Promise.reject(strange(403)), () => false)).rejects.toMatchObject({ status: 403 });
    await expect(before.send('a', refused, () => true), 'it may have been done').resolves.toBeUndefined();
  });
});
