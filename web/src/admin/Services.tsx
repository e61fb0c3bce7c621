/** Whether everything is well: readiness, the store's counters, requests by route. */
import type { ReactNode } from 'react';
import { Notice } from '../ui/parts';
import { useReady } from './Preflight';
import { sumOf } from './metrics';
import { useMetrics } from './useMetrics';
import { useConsoleSpeech } from './words';

const counters = ['market_log_events_total', 'market_log_commits_total', 'market_log_failed_commits_total', 'market_fold_lag_events',
  'market_open_orders', 'market_gate_waiting', 'market_sql_waiting', 'market_snapshots_total', 'market_oversell_prevented_total',
  'market_clock_alarms_total', 'market_http_connections', 'process_resident_memory_bytes', 'process_open_fds'];

export function Services(): ReactNode {
  const { t, number } = useConsoleSpeech();
  const ready = useReady();
  const metrics = useMetrics(true);
  const routes = metrics.samples.filter((each) => each.name === 'market_http_requests_total' && each.value > 0)
    .sort((a, b) => b.value - a.value).slice(0, 60);
  const shown = (name: string): string => {
    const value = sumOf(metrics.samples, name);
    return name.endsWith('_bytes') ? `${number(Math.round(value / 2 ** 20))} MiB` : number(value);
  };
  const isReady = ready.data?.status === 'ready';
  return (
    <>
      <div className="bar"><h1>{t('nav.services')}</h1><span className={`pill ${isReady ? 'open' : 'closed'}`}>{t(isReady ? 'services.ready' : 'services.notReady')}</span></div>
      {metrics.away && <Notice kind="bad">{t('board.away')}</Notice>}
      {ready.data?.detail && <Notice kind="bad">{ready.data.detail}</Notice>}
      {(ready.data?.warnings ?? []).map((text) => <Notice key={text} title={t('services.warnings')}>{text}</Notice>)}
      {(ready.data?.missing ?? []).map((text) => <Notice key={text} kind="bad" title={t('services.missing')}>{text}</Notice>)}
      <h2>{t('services.store')}</h2>
      <dl className="figures">
        {counters.map((name) => <div className="figure" key={name}><dt>{name.replace(/^(market|process)_/, '').replaceAll('_', ' ')}</dt><dd>{shown(name)}</dd></div>)}
      </dl>
      <h2>{t('services.routes')}</h2>
      <div className="scroll" tabIndex={0} role="region" aria-label={t('services.routes')}>
        <table>
          <thead><tr><th scope="col">{t('services.route')}</th><th scope="col">{t('services.status')}</th><th scope="col" className="right">{t('services.count')}</th></tr></thead>
          <tbody>{routes.map((each) => <tr key={`${each.labels.route} ${each.labels.status}`}><th scope="row">{each.labels.route}</th><td>{each.labels.status}</td><td className="right">{number(each.value)}</td></tr>)}</tbody>
        </table>
      </div>
    </>
  );
}
