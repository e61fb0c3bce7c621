/** The sale board: what an operator looks at while a sale runs. */
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { Link } from 'react-router';
import type { Product } from '../api/types';
import { useClockSync, useSale } from '../lib/hooks';
import { Countdown } from '../ui/Countdown';
import { Notice } from '../ui/parts';
import { Chart, type Line } from './Chart';
import { byLabel, refusals, sumOf, type Point } from './metrics';
import { Preflight } from './Preflight';
import { reasonColours, RefusalBars, useReasonName } from './reasons';
import { SaleControls } from './SaleControls';
import { SalePage } from './sales';
import { pointsKept, useMetrics, type Metrics } from './useMetrics';
import { useConsoleSpeech } from './words';

export function Figure({ name, value, note, look = '' }: { name: string; value: string; note?: string; look?: string }): ReactNode {
  return <div className={`figure ${look} ${value.length > 9 ? 'long' : ''}`}><dt>{name}</dt><dd>{value}{note && <small>{note}</small>}</dd></div>;
}

/** What remains, once a second, for the chart. */
function useHistory(remaining: number): (number | null)[][] {
  const [history, setHistory] = useState<[number[], number[]]>([[], []]);
  const latest = useRef(remaining);
  useEffect(() => { latest.current = remaining; });
  useEffect(() => {
    const add = (): void => setHistory(([at, values]) =>
      [[...at, Date.now() / 1000].slice(-pointsKept), [...values, latest.current].slice(-pointsKept)]);
    add();
    const timer = setInterval(add, 1000);
    return () => clearInterval(timer);
  }, []); // Not at each change: in a rush there are ten a second, and the chart would be of twelve seconds.
  return history;
}

function Refusals({ metrics }: { metrics: Metrics }): ReactNode {
  const { t } = useConsoleSpeech();
  return (
    <RefusalBars title={t('board.refusals')} none={t('board.refusals.none')} sums={byLabel(metrics.samples, refusals, 'reason')}>
      <p className="muted small">{t('board.refusals.all')}</p>
    </RefusalBars>
  );
}

/** The four that refuse most, second by second. */
function ReasonChart({ points }: { points: Point[] }): ReactNode {
  const { t } = useConsoleSpeech();
  const nameOf = useReasonName();
  const sums = new Map<string, number>();
  for (const point of points)
    for (const [reason, rate] of Object.entries(point.reasons)) sums.set(reason, (sums.get(reason) ?? 0) + rate);
  const top = [...sums].filter(([, sum]) => sum > 0).sort((a, b) => b[1] - a[1]).slice(0, 4).map(([reason]) => reason).sort();
  const lines: Line[] = top.map((reason, index) => ({ label: nameOf(reason), colour: reasonColours[index]! }));
  const data = [points.map((point) => point.at / 1000), ...top.map((reason) => points.map((point) => point.reasons[reason] ?? 0))];
  return <Chart title={t('board.chart.reasons')} lines={lines} data={data} empty={t('board.refusals.none')} />;
}

function Rates({ metrics }: { metrics: Metrics }): ReactNode {
  const { t } = useConsoleSpeech();
  const { points } = metrics;
  const charts = useMemo(() => {
    const at = points.map((point) => point.at / 1000);
    return {
      orders: [at, points.map((point) => point.arrived), points.map((point) => point.accepted), points.map((point) => point.refused)],
      times: [at, points.map((point) => point.p50), points.map((point) => point.p99)],
    };
  }, [points]);
  return (
    <>
      <Chart title={t('board.chart.orders')} data={charts.orders} lines={[
        { label: t('board.arrived'), colour: '--muted' }, { label: t('board.accepted'), colour: '--good', fill: true },
        { label: t('board.refused'), colour: '--bad' }]} />
      <ReasonChart points={points} />
      <Chart title={t('board.chart.time')} data={charts.times}
        lines={[{ label: t('board.p50'), colour: '--muted' }, { label: t('board.p99.short'), colour: '--link' }]} />
    </>
  );
}

/** What must be seen from the other end of the room. */
function Alarms({ metrics }: { metrics: Metrics }): ReactNode {
  const { t, number } = useConsoleSpeech();
  const stopped = sumOf(metrics.samples, 'market_selling_stopped_seconds');
  const oversold = sumOf(metrics.samples, 'market_oversell_prevented_total');
  return (
    <>
      {metrics.away && <Notice kind="bad">{t('board.away')}</Notice>}
      {stopped > 1 && <Notice kind="bad">{t('board.stopped', { seconds: number(Math.round(stopped)) })}</Notice>}
      {oversold > 0 && <Notice kind="bad">{t('board.oversold', { count: number(oversold) })}</Notice>}
    </>
  );
}

function Watched({ product, admin }: { product: Product; admin: boolean }): ReactNode {
  const { t, number, time } = useConsoleSpeech();
  useClockSync(product.id);
  const { live, sale: view } = useSale(product, ['products']);
  const metrics = useMetrics(admin);
  const { remaining, capacity } = live.value ?? product.stock;
  const history = useHistory(remaining);
  const last = metrics.points.at(-1);
  const count = (name: string, labels?: Record<string, string>): string => number(sumOf(metrics.samples, name, labels));
  const rate = (value: number | undefined): string => number(Math.round(value ?? 0));
  return (
    <>
      <div className="board-state">
        <span role="status"><span className={`pill ${view.state}`}>{t(`sale.${view.state}`)}</span></span>
        {view.state === 'scheduled' && <><span>{t('sale.opensAt', { time: time(product.sale!.opensAt) })}</span><Countdown until={view.opensAt} /></>}
        {view.state === 'open' && product.sale?.closesAt && <span>{t('sale.closesAt', { time: time(product.sale.closesAt) })}</span>}
        {live.freshness && <span className={`fresh ${live.freshness}`}>{t(`fresh.${live.freshness}`)}</span>}
        {admin && <Link className="to-report" to={`/admin/report?sale=${product.id}`}>{t('nav.report')}</Link>}
      </div>
      <Alarms metrics={metrics} />
      <dl className="figures eight">
        <Figure name={t('board.remaining')} value={number(remaining)} note={`/ ${number(capacity)}`} look="first" />
        <Figure name={t('board.sold')} value={number(capacity - remaining)} />
        {!metrics.denied && (
          <>
            <Figure name={t('board.arrivals')} value={rate(last?.arrived)} />
            <Figure name={t('board.rate')} value={rate(last?.accepted)} note={t('board.soFar', { count: count('market_orders_accepted_total') })} />
            <Figure name={t('board.refusedRate')} value={rate(last?.refused)} note={t('board.soFar', { count: count(refusals) })} />
            <Figure name={t('board.p99')} value={last?.p99 == null ? '–' : `${last.p99.toFixed(last.p99 < 10 ? 1 : 0)} ms`} />
            <Figure name={t('board.waiting')} value={count('market_gate_waiting')} />
            <Figure name={t('board.connections')} value={count('market_http_connections')} />
          </>
        )}
      </dl>
      <SaleControls product={product} state={view.state} admin={admin} />
      <div className="charts">
        <Chart title={t('board.chart.remaining')} data={history} lines={[{ label: t('board.remaining'), colour: '--ink', fill: true }]} />
        {!metrics.denied && <Rates metrics={metrics} />}
      </div>
      {metrics.denied && <p className="muted">{t('board.adminOnly')}</p>}
      <div className="panels">
        <Preflight product={product} metrics={metrics} admin={admin} />
        {!metrics.denied && <Refusals metrics={metrics} />}
      </div>
      {!metrics.denied && <p className="muted">{t('board.all')}</p>}
    </>
  );
}

export function Board({ admin }: { admin: boolean }): ReactNode {
  return <SalePage title="nav.board" admin={admin}>{(product) => <Watched key={product.id} product={product} admin={admin} />}</SalePage>;
}
