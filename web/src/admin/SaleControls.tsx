/** What can be done to a sale that is announced, runs, or has ended. */
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { ApiError, ask } from '../api/client';
import type { Product } from '../api/types';
import { untilAnswered } from '../lib/again';
import { newKey } from '../lib/key';
import { useMeaning } from '../lib/meaning';
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
  work: Work;
  /** Said when no answer came before the question was closed. */
  unknown?: ConsoleWord;
}
type Work = (ended: AbortSignal) => Promise<unknown>;

function Restock({ product, put }: { product: Product; put: (question: Question) => void }): ReactNode {
  const { t, number } = useConsoleSpeech();
  const form = useForm(async (data) => {
    const body = { delta: Number(data.get('delta')), reason: String(data.get('reason')) };
    // One key for one question: it is sent until there is an answer, and never for the next units, be they as many.
    const key = newKey();
    put({
      title: t('control.restock.ask', { count: number(body.delta), name: product.name }), text: 'control.restock.text', button: 'control.restock',
      work: (ended) => untilAnswered(() => ask(`/products/${product.id}/stock`, { method: 'POST', body, key, signal: ended }), ended),
      unknown: 'control.restock.unknown',
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

  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const act = async (work: Work, asked: Question | null = null): Promise<void> => {
    if (busy) return;
    const { signal } = (running.current = new AbortController());
    setBusy(true);
    setError(null);
    setDone(false);
    try {
      await work(signal);
      setDone(true);
      await queries.invalidateQueries({ queryKey: ['products'] });
    } catch (failure) {
      setError(asked?.unknown && !(failure instanceof ApiError) ? t(asked.unknown) : failure);
    } finally {
      setBusy(false);
      setQuestion((now) => (now === asked ? null : now)); // Closed by hand before: one that is open now is another.
    }
  };
  const leave = (): void => {
    running.current?.abort();
    setQuestion(null);
  };
  // At the second of the opening, say, there are other buttons at the same places.
  const { fresh } = useMeaning(`${state} ${closesAt === null}`, busy);
  const atOnce = (work: Work) => ({ className: 'small', 'aria-disabled': fresh || undefined, onClick: () => { if (!fresh) void act(work); } });
  const until = (end: string | null) => atOnce(() => goOn(product, admin, end));
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
        {runs && <Button look="main" {...atOnce(() => pause(product, admin))}>{t('control.pause')}</Button>}
        {runs && closesAt !== null && <Button {...until(inMinutes(10, closesAt))}>{t('control.extend')}</Button>}
        {runs && closesAt !== null && <Button {...until(null)}>{t('control.endless')}</Button>}
        {runs && closesAt === null && <Button {...until(inMinutes(10))}>{t('control.endSoon')}</Button>}
        {(runs || paused) && <Button className="small" look="danger" onClick={() => setQuestion(close)}>{t('control.close')}</Button>}
        {planned && <Button look="main" {...until(planned)}>{t('control.resume.planned', { time: time(planned) })}</Button>}
        {stopped && <Button look={planned ? 'plain' : 'main'} {...until(null)}>{t('control.resume')}</Button>}
        {stopped && <Button {...until(inMinutes(10))}>{t('control.resume.ten')}</Button>}
      </div>
      {runs && <p className="muted">{t('control.pause.text')}</p>}
      <Restock product={product} put={setQuestion} />
      {question && (
        <Confirm open onClose={leave} title={question.title} text={t(question.text)}>
          <div className="dialog-row">
            <Button onClick={leave}>{t('cancel')}</Button>
            <Button look="danger" aria-busy={busy} onClick={() => void act(question.work, question)}>{busy && <Spinner />}{t(question.button)}</Button>
          </div>
        </Confirm>
      )}
    </section>
  );
}
