/** Whether everything is well: the services that the registry knows, the store's health, requests by route. */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ask } from '../api/client';
import type { ServiceList } from '../api/types';
import { LoadError, Notice } from '../ui/parts';
import { useReady } from './Preflight';
import { sumOf, type Sample } from './metrics';
import { useMetrics } from './useMetrics';
import { useConsoleSpeech, type ConsoleWord } from './words';

const look: Record<string, string> = { UP: 'open', STARTING: 'scheduled' };

function Registry(): ReactNode {
  const { t } = useConsoleSpeech();
  const services = useQuery({
    queryKey: ['services'], refetchInterval: 3000, queryFn: ({ signal }) => ask<ServiceList>('/admin/services', { signal }),
  });
  if (services.isError) return <LoadError of={services} />;
  if (!services.data) return null;
  const { registry, items, leftOut } = services.data;
  if (!registry) return <p className="muted">{t('services.alone')}</p>;
  return (
    <>
      {registry.reached
        ? <p className="board-state"><code>{registry.url}</code><span className="pill">{t(registry.pushed ? 'services.pushed' : 'services.polled')}</span>{!registry.registered && <span className="pill scheduled">{t('services.unregistered')}</span>}</p>
        : <Notice kind="bad" title={t('services.registryAway')}>{registry.trouble}</Notice>}
      {leftOut.map((each) => <Notice key={each} title={t('services.leftOut')}>{each}</Notice>)}
      {items.length === 0 ? <p className="muted">{t('services.nobody')}</p> : (
        <div className="scroll" tabIndex={0} role="region" aria-label={t('services.instances')}>
          <table>
            <thead><tr><th scope="col">{t('services.service')}</th><th scope="col">{t('services.status')}</th><th scope="col">{t('services.address')}</th><th scope="col">{t('services.instance')}</th><th scope="col">{t('services.zone')}</th></tr></thead>
            <tbody>
              {items.map((each) => (
                <tr key={`${each.service} ${each.id}`}>
                  <th scope="row">{each.service}</th><td><span className={`pill ${look[each.status] ?? 'down'}`}>{each.status}</span></td>
                  <td><code>{each.host}:{each.port}</code></td><td><code>{each.id}</code></td><td>{each.zone || '–'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

interface Health {
  name: ConsoleWord;
  metric: string;
  /** Beyond it somebody should look. */
  most?: number;
}
const healths: Health[] = [
  { name: 'health.stopped', metric: 'market_selling_stopped_seconds', most: 1 },
  { name: 'health.failed', metric: 'market_log_failed_commits_total', most: 0 },
  { name: 'health.oversell', metric: 'market_oversell_prevented_total', most: 0 },
  { name: 'health.lag', metric: 'market_fold_lag_events', most: 10_000 },
  { name: 'health.waiting', metric: 'market_gate_waiting', most: 10_000 },
  { name: 'health.sql', metric: 'market_sql_waiting', most: 100 },
  { name: 'health.clock', metric: 'market_clock_stepped_milliseconds', most: 1000 },
  { name: 'health.alarms', metric: 'market_clock_alarms_total', most: 0 },
  { name: 'health.lines', metric: 'market_log_lines_left_out_total', most: 0 },
  { name: 'health.events', metric: 'market_log_events_total' },
  { name: 'health.commits', metric: 'market_log_commits_total' },
  { name: 'health.open', metric: 'market_open_orders' },
  { name: 'health.snapshots', metric: 'market_snapshots_total' },
  { name: 'health.connections', metric: 'market_http_connections' },
  { name: 'health.memory', metric: 'process_resident_memory_bytes' },
  { name: 'health.files', metric: 'process_open_fds' },
];

function Store({ samples }: { samples: Sample[] }): ReactNode {
  const { t, number } = useConsoleSpeech();
  const there = healths.filter((each) => samples.some((sample) => sample.name === each.metric));
  const shown = (metric: string, value: number): string =>
    (metric.endsWith('_bytes') ? `${number(Math.round(value / 2 ** 20))} MiB` : metric.endsWith('_milliseconds') ? `${number(value)} ms` : number(value));
  return (
    <dl className="figures">
      {there.map(({ name, metric, most }) => {
        const value = sumOf(samples, metric);
        const bad = most !== undefined && value > most;
        return (
          <div className={`figure ${bad ? 'alarm' : ''}`} key={name} title={metric}>
            <dt>{t(name)}</dt>
            <dd>{shown(metric, value)}{most !== undefined && <small>{t(bad ? 'preflight.look' : 'preflight.ok')}</small>}</dd>
          </div>
        );
      })}
    </dl>
  );
}

export function Services(): ReactNode {
  const { t, number } = useConsoleSpeech();
  const ready = useReady();
  const metrics = useMetrics(true);
  const routes = metrics.samples.filter((each) => each.name === 'market_http_requests_total' && each.value > 0)
    .sort((a, b) => b.value - a.value).slice(0, 60);
  const isReady = ready.isSuccess && ready.data.status === 'ready';
  return (
    <>
      <div className="bar"><h1>{t('nav.services')}</h1><span className={`pill ${isReady ? 'open' : 'down'}`}>{t(isReady ? 'services.ready' : 'services.notReady')}</span></div>
      {metrics.away && <Notice kind="bad">{t('board.away')}</Notice>}
      {ready.data?.detail && <Notice kind="bad">{ready.data.detail}</Notice>}
      {(ready.data?.warnings ?? []).map((text) => <Notice key={text} title={t('services.warnings')}>{text}</Notice>)}
      {(ready.data?.missing ?? []).map((text) => <Notice key={text} kind="bad" title={t('services.missing')}>{text}</Notice>)}
      <h2>{t('services.store')}</h2>
      <Store samples={metrics.samples} />
      <h2>{t('services.instances')}</h2>
      <Registry />
      <h2>{t('services.routes')}</h2>
      <div className="scroll" tabIndex={0} role="region" aria-label={t('services.routes')}>
        <table>
          <thead><tr><th scope="col">{t('services.route')}</th><th scope="col">{t('services.status')}</th><th scope="col" className="right">{t('services.count')}</th></tr></thead>
          <tbody>{routes.map((each, index) => <tr key={index}><th scope="row">{each.labels.route}</th><td>{each.labels.status}</td><td className="right">{number(each.value)}</td></tr>)}</tbody>
        </table>
      </div>
    </>
  );
}
