import { describe, expect, it } from 'vitest';
import { ApiError, UnknownOutcome } from '../api/client';
import { KeptKey } from './key';

const refusal = new ApiError({ type: '', title: '', status: 409, detail: '', message: '', code: 'conflict', traceId: '' }, null);

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
