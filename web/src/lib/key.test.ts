import { describe, expect, it } from 'vitest';
import { ApiError, UnknownOutcome } from '../api/client';
import { KeptKey } from './key';

const answer = (status: number, code: string): ApiError =>
  new ApiError({ type: '', title: '', status, detail: '', message: '', code, traceId: '' }, null);
const refusal = answer(409, 'conflict');

describe('a kept key', () => {
  it('stays the same until there is an answer', async () => {
    const kept = new KeptKey();
    const sent: string[] = [];
    const press = (answer: Promise<unknown>): Promise<unknown> => kept.send((key) => {
      sent.push(key);
      return answer;
    }).catch(() => undefined);
    await press(Promise.reject(new UnknownOutcome('unreachable', null)));
    await press(Promise.reject(new UnknownOutcome('unavailable', null)));
    await press(Promise.resolve());
    expect(new Set(sent).size).toBe(1);
    await press(Promise.reject(refusal));
    await press(Promise.resolve());
    await press(Promise.resolve());
    expect(new Set(sent).size).toBe(4);
  });
  it.each([[429, 'rate_limited'], [401, 'unauthenticated'], [403, 'http_403'], [404, 'http_404']])(
    'stays the same where %i %s says nothing of the try before', async (status, code) => {
      const kept = new KeptKey();
      const sent: string[] = [];
      for (const error of [new UnknownOutcome('unreachable', null), answer(status, code), refusal, refusal])
        await kept.send((key) => {
          sent.push(key);
          return Promise.reject(error);
        }).catch(() => undefined);
      expect(sent[1]).toBe(sent[0]);
      expect(sent[2]).toBe(sent[0]);
      expect(sent[3]).not.toBe(sent[0]);
    });
  it('is another one for something else', async () => {
    const kept = new KeptKey();
    const sent: string[] = [];
    const press = (what: string): Promise<unknown> => kept.send((key) => {
      sent.push(key);
      return Promise.reject(new UnknownOutcome('unreachable', null));
    }, what).catch(() => undefined);
    for (const what of ['a', 'a', 'b']) await press(what);
    expect(sent[0]).toBe(sent[1]);
    expect(sent[2]).not.toBe(sent[0]);
  });
});
