/** What went wrong with a press that has no place of its own to say so; gone with the next one, or on another page. */
import { useEffect, type ReactNode } from 'react';
import { useLocation } from 'react-router';
import { ApiError } from '../api/client';
import { useSpeech } from '../i18n/language';
import { failedPress } from '../lib/press';
import { useValue } from '../lib/store';
import { Button, Notice } from './parts';

export function FailedPress(): ReactNode {
  const { t } = useSpeech();
  const error = useValue(failedPress);
  const here = useLocation().pathname;
  useEffect(() => failedPress.set(null), [here]);
  if (error === null) return null;
  return (
    <div className="failed-press">
      <Notice kind="bad">
        <p>{error instanceof ApiError ? error.sentence : t('error.press')}</p>
        <Button className="small" onClick={() => failedPress.set(null)}>{t('error.seen')}</Button>
      </Notice>
    </div>
  );
}
