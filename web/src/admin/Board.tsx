/** The sale board: what an operator looks at while a sale runs. */
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useState, type ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { ask } from '../api/client';
import type { Product, ProductList, Stock } from '../api/types';
import { useClockSync, useLive, useServerNow } from '../lib/hooks';
import { saleView } from '../lib/sale';
import { Countdown } from '../ui/Countdown';
import { Empty, Loading, Notice, Skeleton } from '../ui/parts';
import { Chart } from './Chart';
import { byLabel, sumOf } from './metrics';
import { Preflight } from './Preflight';
import { Report } from './Report';
import { SaleControls } from './SaleControls';
import { pointsKept, useMetrics, type Metrics } from './useMetrics';
import { useConsoleSpeech } from './words';

function Figure({ name, value, note }: { name: string; value: string; note?: string }): ReactNode {
  return <div className="figure"><dt>{name}</dt><dd>{value}{note && <small>{note}</small>}</dd></div>;
}

/** What remains, once a second, for the chart. */
function useHistory(remaining: number): (number | null)[][] {
  const [history, setHistory] = useState<[number[], number[]]>([[], []]);
  useEffect(() => {
    const add = (): void => setHistory(([at, values]) =>
      [[...at, Date.now() / 1000].slice(-pointsKept), [...values, remaining].slice(-pointsKept)]);
    add();
    const timer = setInterval(add, 1000);
    return () => clearInterval(timer);
  }, [remaining]);
  return history;
}

function Refusals({ metrics }: { metrics: Metrics }): ReactNode {
  const { t, number } = useConsoleSpeech();
  const reasons = byLabel(metrics.samples, 'market_orders_refused_total', 'reason');
  const most = reasons[0]?.[1] ?? 1;
  return (
    <section className="panel" aria-labelledby="refusals">
      <h2 id="refusals">{t('board.refusals')}</h2>
      {reasons.length === 0 ? <p className="muted">{t('board.refusals.none')}</p> : (
        <ul className="bars">
          {reasons.map(([reason, count]) => (
            <li key={reason}><span>{reason}</span><b>{number(count)}</b><meter aria-label={reason} min={0} max={most} value={count} /></li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Watched({ product, admin }: { product: Product; admin: boolean }): ReactNode {
  const { t, number, time } = useConsoleSpeech();
  useClockSync(product.id);
  const live = useLive<Stock>(`/products/${product.id}/stock/stream`, `/products/${product.id}/stock`);
  const metrics = useMetrics(admin);
  const view = saleView(product, live.value, useServerNow());
  const { remaining, capacity } = live.value ?? product.stock;
  const history = useHistory(remaining);
  const last = metrics.points.at(-1);
  const charts = useMemo(() => {
    const at = metrics.points.map((point) => point.at / 1000);
    return {
      orders: [at, metrics.points.map((point) => point.accepted), metrics.points.map((point) => point.refused)],
      times: [at, metrics.points.map((point) => point.p50), metrics.points.map((point) => point.p99)],
    };
  }, [metrics.points]);
  const count = (name: string, labels?: Record<string, string>): string => number(sumOf(metrics.samples, name, labels));
  return (
    <>
      <div className="board-state">
        <span className={`pill ${view.state}`}>{t(`sale.${view.state}`)}</span>
        {view.state === 'scheduled' && <><span>{t('sale.opensAt', { time: time(product.sale!.opensAt) })}</span><Countdown until={view.opensAt} /></>}
        {view.state === 'open' && product.sale?.closesAt && <span>{t('sale.closesAt', { time: time(product.sale.closesAt) })}</span>}
        {live.freshness && <span className={`fresh ${live.freshness}`}>{t(`fresh.${live.freshness}`)}</span>}
      </div>
      {metrics.away && <Notice kind="bad">{t('board.away')}</Notice>}
      <dl className="figures">
        <Figure name={t('board.remaining')} value={number(remaining)} note={`/ ${number(capacity)}`} />
        <Figure name={t('board.sold')} value={number(capacity - remaining)} />
        {!metrics.denied && (
          <>
            <Figure name={t('board.rate')} value={number(Math.round(last?.accepted ?? 0))} note={t('board.soFar', { count: count('market_orders_accepted_total') })} />
            <Figure name={t('board.refusedRate')} value={number(Math.round(last?.refused ?? 0))} note={t('board.soFar', { count: count('market_orders_refused_total') })} />
            <Figure name={t('board.p99')} value={last?.p99 == null ? '–' : `${last.p99.toFixed(last.p99 < 10 ? 1 : 0)} ms`} />
            <Figure name={t('board.waiting')} value={count('market_gate_waiting')} />
            <Figure name={t('board.connections')} value={count('market_http_connections')} />
          </>
        )}
      </dl>
      {metrics.denied ? <p className="muted">{t('board.adminOnly')}</p> : (
        <div className="charts">
          <Chart title={t('board.chart.orders')} data={charts.orders}
            lines={[{ label: t('board.accepted'), colour: '--good', fill: true }, { label: t('board.refused'), colour: '--bad' }]} />
          <Chart title={t('board.chart.time')} data={charts.times}
            lines={[{ label: t('board.p50'), colour: '--muted' }, { label: t('board.p99.short'), colour: '--link' }]} />
        </div>
      )}
      <Chart title={t('board.chart.remaining')} data={history} height={160} lines={[{ label: t('board.remaining'), colour: '--ink', fill: true }]} />
      <div className="panels">
        <SaleControls product={product} />
        {admin && <Report product={product} />}
        <Preflight product={product} metrics={metrics} admin={admin} />
        {!metrics.denied && <Refusals metrics={metrics} />}
      </div>
      {!metrics.denied && <p className="muted">{t('board.all')}</p>}
    </>
  );
}

export function Board({ admin }: { admin: boolean }): ReactNode {
  const { t } = useConsoleSpeech();
  const [parameters, setParameters] = useSearchParams();
  const list = useQuery({
    queryKey: ['products', 'drops'],
    queryFn: ({ signal }) => ask<ProductList>('/products', { query: { kind: 'event', sort: 'opening', limit: 100 }, signal }),
    refetchInterval: 10_000,
  });
  const sales = list.data?.items ?? [];
  const wanted = parameters.get('sale');
  const now = useServerNow(5000);
  const nearest = [...sales].sort((a, b) =>
    Math.abs(Date.parse(a.sale!.opensAt) - now) - Math.abs(Date.parse(b.sale!.opensAt) - now))[0];
  const product = sales.find((each) => each.id === wanted) ?? nearest;
  return (
    <>
      <div className="bar">
        <h1>{product?.name ?? t('nav.board')}</h1>
        {sales.length > 1 && product && (
          <div className="pick"><span aria-hidden="true">{t('board.sale')}</span>
            <select aria-label={t('board.sale')} value={product.id} onChange={(event) => setParameters({ sale: event.target.value })}>
              {sales.map((each) => <option key={each.id} value={each.id}>{each.name}</option>)}
            </select>
          </div>
        )}
      </div>
      {list.isPending && <Loading><Skeleton className="block" /></Loading>}
      {list.isSuccess && !product && <Empty title={'home.empty'} text={'home.empty.text'} />}
      {product && <Watched key={product.id} product={product} admin={admin} />}
    </>
  );
}
