/** What can be done to a sale that runs. */
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { ask } from '../api/client';
import type { Product } from '../api/types';
import { serverClock } from '../lib/clock';
import { newKey } from '../lib/key';
import { FormError, useForm } from '../shop/account';
import { Confirm } from '../ui/Confirm';
import { Button, Field, Notice, Spinner } from '../ui/parts';
import { useConsoleSpeech } from './words';

export function SaleControls({ product }: { product: Product }): ReactNode {
  const { t } = useConsoleSpeech();
  const queries = useQueryClient();
  const [closing, setClosing] = useState(false);
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const sale = product.sale!;
  const ended = sale.closesAt !== null && Date.parse(sale.closesAt) <= serverClock.now();

  const act = async (work: () => Promise<unknown>): Promise<void> => {
    setBusy(true);
    setError(null);
    setDone(false);
    try {
      await work();
      setDone(true);
      await queries.invalidateQueries({ queryKey: ['products'] });
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  const until = (closesAt: string | null): Promise<void> => act(() => ask(`/products/${product.id}`, {
    method: 'PATCH', body: { sale: { opensAt: sale.opensAt, closesAt, perUserLimit: sale.perUserLimit } },
  }));
  const restock = useForm(async (form) => {
    const delta = Number(form.get('delta'));
    await act(() => ask(`/products/${product.id}/stock`, { method: 'POST', body: { delta, reason: String(form.get('reason')) }, key: newKey() }));
  });
  const inTenMinutes = (): string => new Date(Math.max(serverClock.now(), sale.closesAt ? Date.parse(sale.closesAt) : 0) + 600_000).toISOString();
  return (
    <section className="panel" aria-labelledby="control">
      <h2 id="control">{t('control')}</h2>
      <FormError error={error} />
      {done && <Notice kind="good">{t('control.done')}</Notice>}
      <div className="ways-out">
        <Button className="small" aria-busy={busy} onClick={() => void until(inTenMinutes())}>{t('control.extend')}</Button>
        {sale.closesAt !== null && <Button className="small" aria-busy={busy} onClick={() => void until(null)}>{t('control.reopen')}</Button>}
        {!ended && <Button className="small" look="danger" onClick={() => setClosing(true)}>{t('control.close')}</Button>}
      </div>
      <form className="inline" onSubmit={restock.submit}>
        <Field name="delta" type="number" label={t('control.restock.count')} min={1} max={1_000_000_000} defaultValue={10} required />
        <Field name="reason" label={t('control.restock.reason')} maxLength={200} required />
        <Button type="submit" className="small">{t('control.restock')}</Button>
      </form>
      <Confirm open={closing} onClose={() => setClosing(false)} title={t('control.close.ask')} text={t('control.close.text')}>
        <div className="dialog-row">
          <Button onClick={() => setClosing(false)}>{t('cancel')}</Button>
          <Button look="danger" aria-busy={busy} onClick={() => void until(new Date(serverClock.now()).toISOString()).then(() => setClosing(false))}>
            {busy && <Spinner />}{t('control.close')}
          </Button>
        </div>
      </Confirm>
    </section>
  );
}
