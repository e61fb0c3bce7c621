/** Paying with a kept key: no answer is asked for again with the same key, so that nobody is charged twice. */
import { useEffect, useRef, useState } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { ApiError, ask } from '../api/client';
import type { Order } from '../api/types';
import { backoffMs, isRefusal, isUnanswered } from './again';
import { newKey } from './key';
import { session } from './session';
import { keep, kept, useValue } from './store';

export type Paying =
  | { state: 'idle' } | { state: 'asking' } | { state: 'retrying' } | { state: 'declined' }
  | { state: 'refused'; detail: string };

interface Attempt {
  key: string;
  token: string;
}

const nameOf = (orderId: string): string => `market.pay.${orderId}`;

export function keptAttempt(orderId: string): Attempt | null {
  try {
    const found = JSON.parse(kept(nameOf(orderId)) ?? 'null') as Partial<Attempt> | null;
    return typeof found?.key === 'string' && typeof found.token === 'string' ? { key: found.key, token: found.token } : null;
  } catch {
    return null;
  }
}

export function usePayment(order: Order): { paying: Paying; pay: (token: string) => void } {
  const queries = useQueryClient();
  const [paying, setPaying] = useState<Paying>({ state: 'idle' });
  const running = useRef(false);
  const gone = useRef(false);

  const run = async (): Promise<void> => {
    if (running.current) return;
    running.current = true;
    setPaying({ state: 'asking' });
    for (let tries = 0; !gone.current; tries += 1) {
      const attempt = keptAttempt(order.id);
      if (!attempt) break;
      try {
        const paid = await ask<Order>(`/orders/${order.id}/payment`, {
          method: 'POST', body: { method: 'card', token: attempt.token }, key: attempt.key, timeoutMs: 20_000,
        });
        keep(nameOf(order.id), null);
        queries.setQueryData(['order', order.id], paid);
        setPaying({ state: 'idle' });
        break;
      } catch (error) {
        if (isUnanswered(error) || !(error instanceof ApiError)) { // Only the shop's own word ends it.
          setPaying({ state: 'retrying' });
          await new Promise((wake) => setTimeout(wake, backoffMs(tries, isUnanswered(error) ? error.retryAfter : null)));
          continue;
        }
        if (!isRefusal(error)) { // Said by who asks to sign in again: then it goes on.
          setPaying({ state: 'idle' });
          break;
        }
        keep(nameOf(order.id), null);
        setPaying(error.status === 402 ? { state: 'declined' } : { state: 'refused', detail: error.sentence });
        void queries.invalidateQueries({ queryKey: ['order', order.id] });
        break;
      }
    }
    running.current = false;
  };

  const isIn = useValue(session).state === 'in';
  useEffect(() => {
    gone.current = false;
    // Loaded again, or signed in again, in the middle of a payment: it goes on with its own key.
    if (isIn && order.state === 'accepted' && keptAttempt(order.id)) void run();
    return () => {
      gone.current = true;
    };
    // eslint-disable-next-line -- once per order and session
  }, [order.id, isIn]);

  return {
    paying,
    pay: (token) => {
      if (running.current) return;
      // What became of one before is not known: that is found out first.
      if (!keptAttempt(order.id)) keep(nameOf(order.id), JSON.stringify({ key: newKey(), token } satisfies Attempt));
      void run();
    },
  };
}
