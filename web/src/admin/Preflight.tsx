/** What should be looked at before a sale opens. */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ask, untilOneEnds } from '../api/client';
import type { PreflightList, Product } from '../api/types';
import { serverClock } from '../lib/clock';
import { useServerNow } from '../lib/hooks';
import { sumOf } from './metrics';
import type { Metrics } from './useMetrics';
import { useConsoleSpeech, type ConsoleWord } from './words';

interface Check {
  name: string;
  good: boolean;
  /** Without it the sale cannot go well; else it is advice. */
  needed?: boolean;
  why: string | null;
}
export interface Ready {
  status: 'ready' | 'unavailable';
  warnings?: string[];
  missing?: string[];
  detail?: string;
}

export function useReady() {
  return useQuery({
    queryKey: ['ready'], refetchInterval: 5000,
    // Who is not heard is not ready.
    queryFn: ({ signal }): Promise<Ready> => untilOneEnds([signal, AbortSignal.timeout(5000)], async (first) => {
      const answer = await fetch('/health/ready', { signal: first, cache: 'no-store' });
      const said = (await answer.json()) as Ready;
      return answer.ok ? said : { ...said, status: 'unavailable' };
    }),
  });
}

/** The server's checks by name, as the reader's language says them. */
const known = ['log_writable', 'sale', 'not_over', 'not_paused', 'stock', 'price', 'published', 'limit', 'picture', 'description'] as const;

function localChecks(product: Product, now: number, t: (word: ConsoleWord) => string): Check[] {
  const limit = product.sale!.perUserLimit;
  return [
    { name: t('check.stock'), good: product.stock.remaining > 0, why: null },
    { name: t('check.not_over'), good: product.sale!.closesAt === null || Date.parse(product.sale!.closesAt) > now, why: null },
    { name: t('check.limit'), good: limit !== null, why: limit === null ? t('check.limit.bad') : null },
    { name: t('check.picture'), good: product.imageUrl !== null, why: product.imageUrl === null ? t('check.picture.bad') : null },
  ];
}

export function Preflight({ product, metrics, admin }: { product: Product; metrics: Metrics; admin: boolean }): ReactNode {
  const { t, number } = useConsoleSpeech();
  const ready = useReady();
  const server = useQuery({
    queryKey: ['preflight', product.id], enabled: admin, refetchInterval: 10_000,
    queryFn: ({ signal }) => ask<PreflightList>(`/admin/products/${product.id}/sale/preflight`, { signal }),
  });
  const now = useServerNow(5000);
  const offset = serverClock.ownOffset();
  const troubles = ready.isError ? [t('board.away')]
    : [...(ready.data?.missing ?? []), ...(ready.data?.warnings ?? []), ready.data?.detail ?? ''].filter(Boolean);
  const isReady = ready.data?.status === 'ready' && troubles.length === 0;
  const lag = sumOf(metrics.samples, 'market_fold_lag_events');
  const failed = sumOf(metrics.samples, 'market_log_failed_commits_total');
  const off = offset ? Math.abs(offset.ms) > Math.max(1000, offset.error) : false;
  const told: Check[] = (server.data?.checks ?? []).map(({ name, ok, needed, detail }) => {
    const word = known.find((each) => each === name);
    const bad = word === 'limit' || word === 'picture' || word === 'description' ? t(`check.${word}.bad`) : detail;
    return { name: word ? t(`check.${word}`) : name, good: ok, needed, why: ok ? null : bad };
  });
  const checks: Check[] = [
    ...(server.data ? told : localChecks(product, now, t)),
    { name: t('check.ready'), good: isReady, needed: true, why: troubles.join(' ') || null },
    ...(metrics.denied ? [] : [
      { name: t('check.lag'), good: lag < 10_000, why: lag < 10_000 ? null : number(lag) },
      { name: t('check.commits'), good: failed === 0, why: failed === 0 ? null : number(failed) },
    ] satisfies Check[]),
    { name: t('check.clock'), good: !off, why: off && offset ? t('check.clock.bad', { seconds: (offset.ms / 1000).toFixed(1) }) : null },
  ];
  const blocking = checks.filter((each) => !each.good && each.needed).length;
  const open = checks.filter((each) => !each.good).length;
  const verdict = blocking > 0 ? 'preflight.blocked' : open > 0 ? 'preflight.almost' : 'preflight.all';
  return (
    <section className="panel" aria-labelledby="preflight">
      <h2 id="preflight">{t('preflight')}</h2>
      <p className={`verdict ${blocking > 0 ? 'bad' : open > 0 ? 'warn' : 'good'}`}>{t(verdict, { count: blocking || open })}</p>
      <ul className="checks">
        {checks.map(({ name, good, needed, why }) => (
          <li key={name} className={good ? 'good' : needed ? 'stop' : 'look'}>
            <span aria-hidden="true">{good ? '✓' : needed ? '×' : '!'}</span>
            <div>{name} <span className="unseen">{t(good ? 'preflight.ok' : needed ? 'preflight.stop' : 'preflight.look')}</span>{why && <small>{why}</small>}</div>
          </li>
        ))}
      </ul>
    </section>
  );
}
