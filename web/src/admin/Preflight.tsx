/** What should be looked at before a sale opens. */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ask } from '../api/client';
import type { PreflightList, Product } from '../api/types';
import { serverClock } from '../lib/clock';
import { useServerNow } from '../lib/hooks';
import { sumOf } from './metrics';
import type { Metrics } from './useMetrics';
import { useConsoleSpeech, type ConsoleWord } from './words';

interface Check {
  name: ConsoleWord;
  good: boolean;
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
    queryFn: async ({ signal }): Promise<Ready> => {
      const answer = await fetch('/health/ready', { signal, cache: 'no-store' });
      const said = (await answer.json()) as Ready;
      return answer.ok ? said : { ...said, status: 'unavailable' };
    },
  });
}

export function Preflight({ product, metrics, admin }: { product: Product; metrics: Metrics; admin: boolean }): ReactNode {
  const { t } = useConsoleSpeech();
  const ready = useReady();
  const server = useQuery({
    queryKey: ['preflight', product.id], enabled: admin, refetchInterval: 10_000,
    queryFn: ({ signal }) => ask<PreflightList>(`/admin/products/${product.id}/sale/preflight`, { signal }),
  });
  const now = useServerNow(5000);
  const offset = serverClock.ownOffset();
  const troubles = [...(ready.data?.missing ?? []), ...(ready.data?.warnings ?? []), ready.data?.detail ?? ''].filter(Boolean);
  const isReady = ready.data?.status === 'ready' && troubles.length === 0;
  const lag = sumOf(metrics.samples, 'market_fold_lag_events');
  const failed = sumOf(metrics.samples, 'market_log_failed_commits_total');
  const off = offset ? Math.abs(offset.ms) > Math.max(1000, offset.error) : false;
  const past = Date.parse(product.sale!.opensAt) <= now;
  const checks: Check[] = [
    ...(past ? [] : [{ name: 'preflight.opens', good: true, why: null }] satisfies Check[]),
    ...(server.data ? [] : [
    { name: 'preflight.stock', good: product.stock.capacity > 0, why: null },
    { name: 'preflight.limit', good: product.sale!.perUserLimit !== null, why: product.sale!.perUserLimit === null ? t('preflight.limit.none') : null },
    { name: 'preflight.picture', good: product.imageUrl !== null, why: product.imageUrl === null ? t('preflight.picture.none') : null },
    ] satisfies Check[]),
    { name: 'preflight.ready', good: isReady, why: troubles.join(' ') || null },
    ...(metrics.denied ? [] : [
      { name: 'preflight.lag', good: lag < 10_000, why: null },
      { name: 'preflight.commits', good: failed === 0, why: null },
    ] satisfies Check[]),
    { name: 'preflight.clock', good: !off, why: off && offset ? t('preflight.clock.off', { seconds: (offset.ms / 1000).toFixed(1) }) : null },
  ];
  return (
    <section className="panel" aria-labelledby="preflight">
      <h2 id="preflight">{t('preflight')}</h2>
      <ul className="checks">
        {checks.map(({ name, good, why }) => (
          <li key={name} className={good ? 'good' : 'look'}>
            <span aria-hidden="true">{good ? '✓' : '!'}</span>
            <div>{t(name)} <span className="unseen">{t(good ? 'preflight.ok' : 'preflight.look')}</span>{why && <small>{why}</small>}</div>
          </li>
        ))}
      </ul>
      {server.data && (
        <>
          <h3>{t('preflight.server')}</h3>
          <ul className="checks">
            {server.data.checks.map(({ name, ok, needed, detail }) => (
              <li key={name} className={ok ? 'good' : 'look'}>
                <span aria-hidden="true">{ok ? '✓' : needed ? '×' : '!'}</span>
                <div>{name} <span className="unseen">{t(ok ? 'preflight.ok' : 'preflight.look')}</span>{detail && <small>{detail}</small>}</div>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
