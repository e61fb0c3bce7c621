/** Saves what is listed as CSV: all of it, however many pages it takes. */
import { useRef, useState, type ReactNode } from 'react';
import { UnknownOutcome } from '../api/client';
import { saveFile } from '../lib/file';
import { FormError } from '../shop/account';
import { Button, Spinner } from '../ui/parts';
import { exportOrders } from './exportOrders';
import { useConsoleSpeech } from './words';

export function CsvButton({ query, name }: { query: Record<string, string | null>; name: string }): ReactNode {
  const { t, number } = useConsoleSpeech();
  const [rows, setRows] = useState<number | null>(null);
  const [error, setError] = useState<unknown>(null);
  const stop = useRef<AbortController | null>(null);
  const press = async (): Promise<void> => {
    if (stop.current) return stop.current.abort();
    stop.current = new AbortController();
    setError(null);
    setRows(0);
    try {
      // The mark at the beginning tells spreadsheets that it is UTF-8.
      saveFile(name, 'text/csv', `\ufeff${await exportOrders(query, setRows, stop.current.signal)}`);
    } catch (failure) {
      if (!stop.current.signal.aborted) setError(failure instanceof UnknownOutcome ? t('error.press') : failure);
    } finally {
      stop.current = null;
      setRows(null);
    }
  };
  return (
    <>
      <Button onClick={() => void press()} aria-busy={rows !== null}>
        {rows !== null && <Spinner />}{rows === null ? t('orders.csv') : t('orders.csv.stop', { count: number(rows) })}
      </Button>
      <FormError error={error} />
    </>
  );
}
