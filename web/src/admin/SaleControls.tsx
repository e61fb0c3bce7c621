/** What can be done to a sale that is announced, runs, or has ended. */
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { ask } from '../api/client';
import type { Product } from '../api/types';
import { KeptKey } from '../lib/key';
import type { SaleView } from '../lib/sale';
import { FormError, useForm } from '../shop/account';
import { Confirm } from '../ui/Confirm';
import { Button, Field, Notice, Spinner } from '../ui/parts';
import { closeNow, goOn, inMinutes, openNow, pause } from './saleActions';
import { useConsoleSpeech, type ConsoleWord } from './words';

/** Asked once more before it is done; `title` names the product. */
interface Question {
  title: string;
  text: ConsoleWord;
  button: ConsoleWord;
  work: () => Promise<unknown>;
}

function Restock({ product, put }: { product: Product; put: (question: Question) => void }): ReactNode {
  const { t, number } = useConsoleSpeech();
  const [kept] = useState(() => new KeptKey());
  const form = useForm(async (data) => {
    const body = { delta: Number(data.get('delta')), reason: String(data.get('reason')) };
    put({
      title: t('control.restock.ask', { count: number(body.delta), name: product.name }), text: 'control.restock.text', button: 'control.restock',
      work: () => kept.send((key) => ask(`/products/${product.id}/stock`, { method: 'POST', body, key })),
    });
  });
  return (
    <form className="inline" onSubmit={form.submit}>
      <Field name="delta" type="number" label={t('control.restock.count')} min={1} max={1_000_000_000} defaultValue={10} required />
      <Field name="reason" label={t('control.restock.reason')} maxLength={200} required />
      <Button type="submit" className="small">{t('control.restock')}</Button>
    </form>
  );
}

export function SaleControls({ product, state, admin }: { product: Product; state: SaleView['state']; admin: boolean }): ReactNode {
  const { t, time } = useConsoleSpeech();
  const queries = useQueryClient();
  const [question, setQuestion] = useState<Question | null>(null);
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const { closesAt } = product.sale!;
  const paused = state === 'paused';
  const stopped = paused || state === 'closed';
  const runs = !stopped && state !== 'scheduled';
  const planned = paused ? closesAt : null;

  const act = async (work: () => Promise<unknown>): Promise<void> => {
    if (busy) return;
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
      setQuestion(null);
    }
  };
  const until = (end: string | null) => () => void act(() => goOn(product, admin, end));
  const close: Question = {
    title: t('control.close.ask', { name: product.name }), text: 'control.close.text', button: 'control.close', work: () => closeNow(product),
  };
  const open: Question = {
    title: t('control.open.ask', { name: product.name }), text: 'control.open.text', button: 'control.open', work: () => openNow(product),
  };
  return (
    <section className="panel control" aria-labelledby="control">
      <h2 id="control">{t('control')}</h2>
      <FormError error={error} />
      {done && <Notice kind="good">{t('control.done')}</Notice>}
      <div className="ways-out" aria-busy={busy}>
        {state === 'scheduled' && <Button className="small" onClick={() => setQuestion(open)}>{t('control.open')}</Button>}
        {runs && <Button className="small" look="main" onClick={() => void act(() => pause(product, admin))}>{t('control.pause')}</Button>}
        {runs && closesAt !== null && <Button className="small" onClick={until(inMinutes(10, closesAt))}>{t('control.extend')}</Button>}
        {runs && closesAt !== null && <Button className="small" onClick={until(null)}>{t('control.endless')}</Button>}
        {runs && closesAt === null && <Button className="small" onClick={until(inMinutes(10))}>{t('control.endSoon')}</Button>}
        {(runs || paused) && <Button className="small" look="danger" onClick={() => setQuestion(close)}>{t('control.close')}</Button>}
        {planned && <Button className="small" look="main" onClick={until(planned)}>{t('control.resume.planned', { time: time(planned) })}</Button>}
        {stopped && <Button className="small" look={planned ? 'plain' : 'main'} onClick={until(null)}>{t('control.resume')}</Button>}
        {stopped && <Button className="small" onClick={until(inMinutes(10))}>{t('control.resume.ten')}</Button>}
      </div>
      {runs && <p className="muted">{t('control.pause.text')}</p>}
      <Restock product={product} put={setQuestion} />
      {question && (
        <Confirm open onClose={() => setQuestion(null)} title={question.title} text={t(question.text)}>
          <div className="dialog-row">
            <Button onClick={() => setQuestion(null)}>{t('cancel')}</Button>
            <Button look="danger" aria-busy={busy} onClick={() => void act(question.work)}>{busy && <Spinner />}{t(question.button)}</Button>
          </div>
        </Confirm>
      )}
    </section>
  );
}
