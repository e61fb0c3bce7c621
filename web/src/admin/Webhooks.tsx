/** Who is told of orders: webhooks, their secrets, and the log of deliveries. A seller has own ones, of own lines. */
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { all, ApiError, ask, UnknownOutcome } from '../api/client';
import type { Webhook, WebhookDelivery, WebhookDeliveryList, WebhookWithSecret } from '../api/types';
import { useAddress } from '../lib/address';
import { fieldError, FormError, useForm } from '../shop/account';
import { Confirm } from '../ui/Confirm';
import { Button, Field, LoadError, Loading, Notice, Skeleton, Spinner } from '../ui/parts';
import { PagedTable } from './PagedTable';
import { WorkButton } from './WorkButton';
import { useConsoleSpeech } from './words';

const events: Webhook['events'] = ['order.accepted', 'order.paid', 'order.payment_declined', 'order.expired', 'order.cancelled', 'order.preparing',
  'order.shipped', 'order.delivered', 'order.return_requested', 'order.returned', 'order.refund_owed', 'order.refunded'];
const states: WebhookDelivery['state'][] = ['waiting', 'delivered', 'failed'];
const looks: Record<WebhookDelivery['state'], string> = { waiting: 'scheduled', delivered: 'open', failed: 'down' };

/** Shown once, when it was made. */
function Secret({ of, onClose }: { of: WebhookWithSecret; onClose: () => void }): ReactNode {
  const { t } = useConsoleSpeech();
  const [said, setSaid] = useState<'hooks.copied' | 'hooks.marked' | null>(null);
  const shown = useRef<HTMLElement>(null);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(of.secret); // There is a clipboard over TLS and on localhost alone.
      setSaid('hooks.copied');
    } catch {
      getSelection()?.selectAllChildren(shown.current!);
      setSaid('hooks.marked');
    }
  };
  return (
    <Confirm open onClose={onClose} title={t('hooks.secret')} text={t('hooks.secret.text', { url: of.url })}>
      <p><code className="secret" ref={shown}>{of.secret}</code></p>
      {said && <Notice kind={said === 'hooks.copied' ? 'good' : 'info'}>{t(said)}</Notice>}
      <div className="dialog-row">
        <Button onClick={() => void copy()}>{t('hooks.copy')}</Button>
        <Button look="main" onClick={onClose}>{t('hooks.kept')}</Button>
      </div>
    </Confirm>
  );
}

/** One that got no answer, and what was in the list before. It would be made twice if it was sent again. */
interface Lost {
  url: string;
  before: Webhook[];
}

/** It is emptied when what it says is in the list, by an answer or by what the list says. Others change the list, too. */
function NewHook({ base, list, lost, onMade, onLost }: {
  base: string; list: Webhook[]; lost: Lost | null; onMade: (made: WebhookWithSecret) => void; onLost: (lost: Lost | null) => void;
}): ReactNode {
  const { t } = useConsoleSpeech();
  const fields = useRef<HTMLFormElement>(null);
  const done = (sent: string): void => {
    if (String(new FormData(fields.current!).get('url')).trim() === sent) fields.current!.reset(); // Else it is the next one already.
  };
  const form = useForm(async (data) => {
    const chosen = events.filter((each) => data.get(each) !== null);
    const url = String(data.get('url')).trim();
    onLost(null);
    try {
      onMade(await ask<WebhookWithSecret>(`${base}/webhooks`, { method: 'POST', body: { url, events: chosen } }));
      done(url);
    } catch (failure) {
      if (!(failure instanceof UnknownOutcome || (failure instanceof ApiError && failure.strange))) throw failure;
      onLost({ url, before: list });
    }
  }, { once: true });
  const wasMade = lost !== null && list.some(({ id, url }) => url === lost.url && !lost.before.some((each) => each.id === id));
  useEffect(() => {
    if (wasMade) done(lost.url);
  }, [wasMade, lost]);
  const wrong = fieldError(form.error, 'events');
  return (
    <form ref={fields} className="panel" onSubmit={form.submit} noValidate aria-labelledby="new-hook">
      <h2 id="new-hook">{t('hooks.new')}</h2>
      <FormError error={form.error} fields={['url', 'events']} />
      <Field name="url" type="url" label={t('hooks.url')} placeholder="https://" required error={fieldError(form.error, 'url')} />
      <fieldset className="ticks">
        <legend>{t('hooks.events')}</legend>
        {events.map((each) => <label key={each}><input type="checkbox" name={each} defaultChecked={each === 'order.paid'} /> {each}</label>)}
        {wrong && <p className="wrong" role="alert">{wrong}</p>}
      </fieldset>
      <Button type="submit" look="main" aria-busy={form.busy}>{form.busy && <Spinner />}{t('hooks.do')}</Button>
    </form>
  );
}

function Hooks({ base, list, onSecret }: { base: string; list: Webhook[]; onSecret: (made: WebhookWithSecret) => void }): ReactNode {
  const { t, time } = useConsoleSpeech();
  const queries = useQueryClient();
  const [ending, setEnding] = useState<Webhook | null>(null);
  const [rotating, setRotating] = useState<Webhook | null>(null);
  const [error, setError] = useState<unknown>(null);
  const act = async (asked: Webhook | null, work: () => Promise<unknown>): Promise<void> => {
    const other = (now: Webhook | null): Webhook | null => (now === asked ? null : now); // Asked meanwhile: it stays.
    setError(null);
    try {
      await work();
    } catch (failure) {
      setError(failure);
    } finally {
      setEnding(other);
      setRotating(other);
    }
    await queries.invalidateQueries({ queryKey: ['webhooks'] }); // Without an answer it may have been done, too.
  };
  const rotate = async (hook: Webhook): Promise<void> =>
    onSecret(await ask<WebhookWithSecret>(`${path(hook)}/secret`, { method: 'POST' }));
  const path = (hook: Webhook): string => `${base}/webhooks/${hook.id}`;
  return (
    <>
      <FormError error={error} />
      <div className="scroll" tabIndex={0} role="region" aria-label={t('nav.hooks')}>
        <table>
          <thead><tr><th scope="col">{t('hooks.url')}</th><th scope="col">{t('products.state')}</th><th scope="col">{t('hooks.events')}</th><th scope="col">{t('users.since')}</th><th scope="col"><span className="unseen">{t('users.what')}</span></th></tr></thead>
          <tbody>
            {list.map((hook) => (
              <tr key={hook.id}>
                <th scope="row" className="detail">{hook.url}</th>
                <td><span className={`pill ${hook.active ? 'open' : 'closed'}`}>{t(hook.active ? 'hooks.active' : 'hooks.stopped')}</span></td>
                <td className="detail">{hook.events.join(', ')}</td><td>{time(hook.createdAt)}</td>
                <td className="right">
                  <WorkButton look="quiet" className="small" means={hook.active ? 'stop' : 'resume'}
                    aria-label={`${t(hook.active ? 'hooks.stop' : 'hooks.resume')}: ${hook.url}`}
                    work={() => act(null, () => ask(path(hook), { method: 'PATCH', body: { active: !hook.active } }))}>
                    {t(hook.active ? 'hooks.stop' : 'hooks.resume')}
                  </WorkButton>
                  <Button look="quiet" className="small" aria-label={`${t('hooks.rotate')}: ${hook.url}`} onClick={() => setRotating(hook)}>{t('hooks.rotate')}</Button>
                  <Button look="danger" className="small" aria-label={`${t('hooks.end')}: ${hook.url}`} onClick={() => setEnding(hook)}>{t('hooks.end')}</Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rotating && (
        <Confirm open onClose={() => setRotating(null)} title={t('hooks.rotate.ask')} text={t('hooks.rotate.text', { url: rotating.url })}>
          <div className="dialog-row"><Button onClick={() => setRotating(null)}>{t('cancel')}</Button><WorkButton look="danger" work={() => act(rotating, () => rotate(rotating))}>{t('hooks.rotate')}</WorkButton></div>
        </Confirm>
      )}
      {ending && (
        <Confirm open onClose={() => setEnding(null)} title={t('hooks.end.ask')} text={t('hooks.end.text', { url: ending.url })}>
          <div className="dialog-row"><Button onClick={() => setEnding(null)}>{t('cancel')}</Button><WorkButton look="danger" work={() => act(ending, () => ask(path(ending), { method: 'DELETE' }))}>{t('hooks.end')}</WorkButton></div>
        </Confirm>
      )}
    </>
  );
}

function Deliveries({ base, hooks }: { base: string; hooks: Webhook[] }): ReactNode {
  const { t, time } = useConsoleSpeech();
  const queries = useQueryClient();
  const [parameters, set] = useAddress();
  const [error, setError] = useState<unknown>(null);
  const query = { webhookId: parameters.get('webhookId'), state: parameters.get('state') };
  const list = useInfiniteQuery({
    queryKey: ['webhooks', 'deliveries', query],
    queryFn: ({ pageParam, signal }) => ask<WebhookDeliveryList>(`${base}/webhook-deliveries`, { query: { ...query, limit: 50, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
    refetchInterval: 3000,
    placeholderData: (before) => before,
  });
  const replay = async (one: WebhookDelivery): Promise<void> => {
    setError(null);
    try {
      await ask(`${base}/webhook-deliveries/${one.id}/replay`, { method: 'POST' });
    } catch (failure) {
      setError(failure);
    }
    await queries.invalidateQueries({ queryKey: ['webhooks', 'deliveries'] });
  };
  const urlOf = (id: string): string => hooks.find((each) => each.id === id)?.url ?? id;
  return (
    <>
      <div className="bar">
        <h2>{t('hooks.deliveries')}</h2>
        <select aria-label={t('products.state')} value={query.state ?? ''} onChange={(event) => set('state', event.target.value)}>
          <option value="">{t('home.kind.all')}</option>
          {states.map((each) => <option key={each} value={each}>{t(`hooks.is.${each}`)}</option>)}
        </select>
        <select aria-label={t('hooks.url')} value={query.webhookId ?? ''} onChange={(event) => set('webhookId', event.target.value)}>
          <option value="">{t('home.kind.all')}</option>
          {hooks.map((each) => <option key={each.id} value={each.id}>{each.url}</option>)}
        </select>
      </div>
      <FormError error={error} />
      <PagedTable
        list={list} rows={list.data?.pages.flatMap((page) => page.items) ?? []} label={t('hooks.deliveries')}
        head={<><th scope="col">{t('hooks.event')}</th><th scope="col">{t('products.state')}</th><th scope="col">{t('hooks.url')}</th><th scope="col">{t('orders.when')}</th><th scope="col" className="right">{t('mails.attempts')}</th><th scope="col">{t('hooks.answer')}</th><th scope="col"><span className="unseen">{t('users.what')}</span></th></>}
        row={(one) => (
          <tr key={one.id}>
            <th scope="row">{one.type}<details className="below"><summary>{t('hooks.payload')}</summary><pre>{one.payload}</pre></details></th>
            <td><span className={`pill ${looks[one.state]}`}>{t(`hooks.is.${one.state}`)}</span>{one.state === 'waiting' && one.attempts > 0 && one.nextAttemptAt && <small className="below">{t('mails.next', { time: time(one.nextAttemptAt) })}</small>}</td>
            <td className="detail">{urlOf(one.webhookId)}</td><td>{time(one.deliveredAt ?? one.createdAt)}</td>
            <td className="right">{one.attempts}</td><td className="detail">{[one.status, one.reason].filter(Boolean).join(' ') || '–'}</td>
            <td className="right"><WorkButton className="small" aria-label={`${t('hooks.replay')}: ${one.type} ${one.id}`} work={() => replay(one)}>{t('hooks.replay')}</WorkButton></td>
          </tr>
        )}
      />
    </>
  );
}

export function Webhooks({ admin }: { admin: boolean }): ReactNode {
  const base = admin ? '/admin' : '/seller';
  const { t } = useConsoleSpeech();
  const queries = useQueryClient();
  const [secret, setSecret] = useState<WebhookWithSecret | null>(null);
  const [lost, setLost] = useState<Lost | null>(null);
  const list = useQuery({
    queryKey: ['webhooks', base], queryFn: ({ signal }) => all<Webhook>(`${base}/webhooks`, signal), refetchInterval: lost !== null && 2000,
  });
  const made = (hook: WebhookWithSecret): void => {
    setSecret(hook);
    void queries.invalidateQueries({ queryKey: ['webhooks'] });
  };
  const hooks = list.data ?? [];
  return (
    <>
      <div className="bar"><h1>{t('nav.hooks')}</h1></div>
      {list.isPending && <Loading of={list}><Skeleton className="block" /></Loading>}
      {list.isError && <LoadError of={list} />}
      {list.data?.length === 0 && <p className="muted">{t(admin ? 'hooks.none' : 'hooks.none.own')}</p>}
      {hooks.length > 0 && <Hooks base={base} list={hooks} onSecret={made} />}
      {lost && <Notice kind="bad" title={t('error.unknown')}>{t('hooks.unknown')}</Notice>}
      {/* A list that is refused later takes away nothing that is typed. */}
      {list.data && <NewHook base={base} list={hooks} lost={lost} onMade={made} onLost={setLost} />}
      {hooks.length > 0 && <Deliveries base={base} hooks={hooks} />}
      {secret && <Secret of={secret} onClose={() => setSecret(null)} />}
    </>
  );
}
