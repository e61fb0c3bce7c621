/** What components watch: live values, the server's time, whether the browser is online. */
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { ask } from '../api/client';
import type { Product, Stock } from '../api/types';
import { serverClock } from './clock';
import { liveHub, type Freshness, type Topic } from './live';
import { isOvertaken, saleView, type SaleView } from './sale';

export interface Live<T> {
  value: T | null;
  freshness: Freshness | null;
}

/** The newest value of a topic, from whichever tab holds the stream. Null: nothing to watch. */
export function useLive<T>(stream: string | null, poll: string): Live<T> {
  const [live, setLive] = useState<Live<T>>({ value: null, freshness: null });
  useEffect(() => {
    setLive({ value: null, freshness: null });
    if (!stream) return undefined;
    const topic: Topic = { stream, poll };
    return liveHub().watch(topic, (update) => setLive({ value: update.value as T, freshness: update.freshness }));
  }, [stream, poll]);
  return live;
}

/** The server's time, anew at each whole second of it (or every `everyMs`). */
export function useServerNow(everyMs = 1000): number {
  const [now, setNow] = useState(() => serverClock.now());
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const tick = (): void => {
      const current = serverClock.now();
      setNow(current);
      timer = setTimeout(tick, everyMs - (current % everyMs) + 5);
    };
    tick();
    const off = serverClock.onChange(() => setNow(serverClock.now()));
    return () => {
      clearTimeout(timer);
      off();
    };
  }, [everyMs]);
  return now;
}

/** An instance that is asked for the product may hear of its new times a moment after the one that streams. */
const overtakenAgainMs = 3000;
/** Everybody who looks on hears of it at once, and need not ask at once. */
const overtakenSpreadMs = 1000;

/**
 * A product's live stock, and what may be done with it now. When the stock tells that the sale was moved, extended or
 * ended early, the product is read again: `readAs` is the key of that question.
 */
export function useSale(product: Product, readAs: string[]): { live: Live<Stock>; sale: SaleView; now: number } {
  const live = useLive<Stock>(`/products/${product.id}/stock/stream`, `/products/${product.id}/stock`);
  const queries = useQueryClient();
  const now = useServerNow();
  const heard = live.freshness === 'stream' || live.freshness === 'poll';
  const overtaken = heard && isOvertaken(product, live.value, now);
  useEffect(() => {
    if (!overtaken) return undefined;
    const read = (): void => void queries.invalidateQueries({ queryKey: readAs });
    const first = setTimeout(read, Math.random() * overtakenSpreadMs);
    const more = setInterval(read, overtakenAgainMs);
    return () => {
      clearTimeout(first);
      clearInterval(more);
    };
    // eslint-disable-next-line -- a new array is no new question
  }, [overtaken, queries]);
  return { live, sale: saleView(product, live.value, now), now };
}

/** Measures the server's clock by what the live stock says: three times at once, then now and then. */
export function useClockSync(productId: string): void {
  useEffect(() => {
    let stopped = false;
    let timer: ReturnType<typeof setTimeout>;
    const measure = async (left: number): Promise<void> => {
      const sentAt = performance.now();
      try {
        const stock = await ask<Stock>(`/products/${productId}/stock`);
        serverClock.sample(Date.parse(stock.asOf), sentAt, performance.now());
      } catch {
        // The page says elsewhere that the server is away.
      }
      if (!stopped) timer = setTimeout(() => void measure(left - 1), left > 1 ? 150 : 30_000);
    };
    const again = (): void => {
      if (document.visibilityState !== 'visible') return;
      clearTimeout(timer);
      void measure(3);
    };
    void measure(3);
    document.addEventListener('visibilitychange', again);
    return () => {
      stopped = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', again);
    };
  }, [productId]);
}

export function useOnline(): boolean {
  return useSyncExternalStore((changed) => {
    addEventListener('online', changed);
    addEventListener('offline', changed);
    return () => {
      removeEventListener('online', changed);
      removeEventListener('offline', changed);
    };
  }, () => navigator.onLine);
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title;
  }, [title]);
}
