/** Paying with a kept key: no answer is asked for again with the same key, so that nobody is charged twice. */
import { useEffect, useRef, useState } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { ApiError, ask } from '../api/client';
import type { Order } from '../api/types';
import { backoffMs, isPassing } from './again';
import { newKey } from './key';
import { keep, kept } from './store';

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
        if (isPassing(error) || !(error instanceof ApiError)) { // Only the shop's own word ends it.
          setPaying({ state: 'retrying' });
          await new Promise((wake) => setTimeout(wake, backoffMs(tries, isPassing(error) ? error.retryAfter : null)));
          continue;
        }
        keep(nameOf(order.id), null);
        if (error.status === 402) setPaying({ state: 'declined' });
        else if (error.status === 401) setPaying({ state: 'idle' }); // Said by who asks to sign in again.
        else setPaying({ state: 'refused', detail: error.sentence });
        void queries.invalidateQueries({ queryKey: ['order', order.id] });
        break;
      }
    }
    running.current = false;
  };

  useEffect(() => {
    gone.current = false;
    // Loaded again in the middle of a payment: it goes on with its own key.
    if (order.state === 'accepted' && keptAttempt(order.id)) void run();
    return () => {
      gone.current = true;
    };
    // eslint-disable-next-line -- once per order
  }, [order.id]);

  return {
    paying,
    pay: (token) => {
      if (running.current) return;
      keep(nameOf(order.id), JSON.stringify({ key: newKey(), token } satisfies Attempt));
      void run();
    },
  };
}
