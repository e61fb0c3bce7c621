/** What became of a sale: how fast it went, what was paid, what came back. */
import { useQuery } from '@tanstack/react-query';
import { useMemo, type ReactNode } from 'react';
import { Link } from 'react-router';
import { ask } from '../api/client';
import type { OrderState, Product, SaleReport } from '../api/types';
import { useServerNow } from '../lib/hooks';
import { saleTimes, saleView } from '../lib/sale';
import { LoadError, Loading, Skeleton, Stale } from '../ui/parts';
import { Figure } from './Board';
import { Chart } from './Chart';
import { CsvButton } from './CsvButton';
import { reasonColours, RefusalBars, useReasonName } from './reasons';
import { SalePage } from './sales';
import { durationOf, linesOf, refusalLines, soldOutAt } from './timeline';
import { useConsoleSpeech } from './words';

/** `3.2 s`, `12 min`, `5 h`. */
function States({ report }: { report: SaleReport }): ReactNode {
  const { t, number } = useConsoleSpeech();
  const states = Object.entries(report.states) as [OrderState, { orders: number; units: number }][];
  const most = Math.max(1, ...states.map(([, { orders }]) => orders));
  return (
    <section className="panel" aria-labelledby="states">
      <h2 id="states">{t('report.states')}</h2>
      <ul className="bars plain">
        {states.filter(([, { orders }]) => orders > 0).map(([state, { orders, units }]) => (
          <li key={state}><span>{t(`state.${state}`)}</span><b>{number(orders)} ({t('report.units', { count: number(units) })})</b><meter aria-label={t(`state.${state}`)} min={0} max={most} value={orders} /></li>
        ))}
      </ul>
      {states.every(([, { orders }]) => orders === 0) && <p className="muted">{t('report.none')}</p>}
    </section>
  );
}

function Charts({ report }: { report: SaleReport }): ReactNode {
  const { t, language } = useConsoleSpeech();
  const { timeline } = report;
  const lines = useMemo(() => linesOf(timeline), [timeline]);
  const step = durationOf(language, timeline.stepSeconds * 1000);
  return (
    <div className="charts">
      <Chart title={t('report.chart.steps', { step })} data={[lines.at, lines.units, lines.paid, lines.givenBack]} empty={t('report.none')} totals lines={[
        { label: t('report.accepted'), colour: '--good', fill: true }, { label: t('report.paid'), colour: '--link' },
        { label: t('report.givenBack'), colour: '--bad' }]} />
      <Chart title={t('report.chart.held', { capacity: report.capacity })} data={[lines.at, lines.held]} empty={t('report.none')}
        lines={[{ label: t('board.sold'), colour: '--ink', fill: true }]} />
    </div>
  );
}

/** The four that refused most, over the sale; kept by the server, so that it can be read after a restart too. */
function RefusalChart({ refusals }: { refusals: SaleReport['refusals'] }): ReactNode {
  const { t, language } = useConsoleSpeech();
  const nameOf = useReasonName();
  const { at, reasons } = useMemo(() => refusalLines(refusals, reasonColours.length), [refusals]);
  return (
    <Chart title={t('report.chart.refusals', { step: durationOf(language, refusals.stepSeconds * 1000) })} data={[at, ...reasons.map(({ counts }) => counts)]}
      empty={t('report.refusals.none')} totals lines={reasons.map(({ reason }, index) => ({ label: nameOf(reason), colour: reasonColours[index]! }))} />
  );
}

function RefusalSums({ refusals }: { refusals: SaleReport['refusals'] }): ReactNode {
  const { t } = useConsoleSpeech();
  return (
    <RefusalBars title={t('report.refusals')} none={t('report.refusals.none')}
      sums={Object.entries(refusals.reasons).sort((a, b) => b[1] - a[1])} />
  );
}

function Told({ product }: { product: Product }): ReactNode {
  const { t, number, price, time, language } = useConsoleSpeech();
  const report = useQuery({
    queryKey: ['report', product.id],
    queryFn: ({ signal }) => ask<SaleReport>('/admin/orders/report', { query: { productId: product.id }, signal, timeoutMs: 60_000 }),
    refetchInterval: 10_000,
  });
  const now = useServerNow(5000);
  if (report.isPending) return <Loading of={report}><Skeleton className="block" /></Loading>;
  if (!report.data) return <LoadError of={report} />;
  const { capacity, remaining, revenue, refunded, liveOrders, liveUnits, firstOrderAt, lastOrderAt } = report.data;
  const opensAt = Date.parse(product.sale!.opensAt);
  const soldOut = soldOutAt(linesOf(report.data.timeline), capacity, report.data.timeline.stepSeconds);
  return (
    <>
      <Stale of={report} />
      <p className="board-state">
        {saleTimes(product.sale!, saleView(product, null, now).state, now).map(({ word, at }) => t(word, { time: time(at) })).join(' · ')}
      </p>
      <dl className="figures">
        <Figure name={t('report.revenue')} value={price(revenue)} look="first" />
        {refunded.amount > 0 && <Figure name={t('report.refunded')} value={price(refunded)} />}
        <Figure name={t('board.sold')} value={number(capacity - remaining)} note={`/ ${number(capacity)}`} />
        <Figure name={t('report.live')} value={number(liveOrders)} note={t('report.units', { count: number(liveUnits) })} />
        <Figure name={t('report.first')} value={firstOrderAt ? durationOf(language, Math.max(0, Date.parse(firstOrderAt) - opensAt)) : '–'} />
        <Figure name={t('report.soldOut')} value={soldOut ? `≤ ${durationOf(language, Math.max(1000, soldOut * 1000 - opensAt))}` : '–'} />
        <Figure name={t('report.last')} value={lastOrderAt ? durationOf(language, Math.max(0, Date.parse(lastOrderAt) - opensAt)) : '–'} />
      </dl>
      <Charts report={report.data} />
      <div className="charts"><RefusalChart refusals={report.data.refusals} /></div>
      <div className="panels">
        <States report={report.data} />
        <RefusalSums refusals={report.data.refusals} />
      </div>
      <div className="ways-out">
        <Link className="button plain" to={`/admin/orders?productId=${product.id}`}>{t('nav.orders')}</Link>
        <CsvButton query={{ productId: product.id }} name={`sale-${product.id}.csv`} />
      </div>
    </>
  );
}

export function Report(): ReactNode {
  return <SalePage title="nav.report" admin>{(product) => <Told key={product.id} product={product} />}</SalePage>;
}
