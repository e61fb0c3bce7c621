/** Digits that run to zero by the server's clock. Screen readers hear the time once a minute, not each second. */
import type { ReactNode } from 'react';
import { useServerNow } from '../lib/hooks';
import { countdown } from '../lib/sale';
import { useSpeech } from '../i18n/language';

const two = (value: number): string => String(value).padStart(2, '0');

export function Countdown({ until }: { until: number }): ReactNode {
  const { t } = useSpeech();
  const [days, hours, minutes, seconds] = countdown(until - useServerNow());
  const parts: [number, string][] = [[hours, t('count.hours')], [minutes, t('count.minutes')], [seconds, t('count.seconds')]];
  if (days > 0) parts.unshift([days, t('count.days')]);
  const spoken = [days && `${days} ${t('count.days')}`, hours && `${hours} ${t('count.hours')}`, `${minutes} ${t('count.minutes')}`]
    .filter(Boolean).join(' ');
  return (
    <div className="countdown" role="timer" aria-label={t('count.spoken', { time: spoken })}>
      {parts.map(([value, unit]) => (
        <span key={unit} aria-hidden="true"><b>{two(value)}</b><i>{unit}</i></span>
      ))}
    </div>
  );
}

/** `9:05` in one line, for the time to pay. */
export function TimeLeft({ until }: { until: number }): ReactNode {
  const [days, hours, minutes, seconds] = countdown(until - useServerNow());
  const above = days * 24 + hours;
  return <b className="timeleft" role="timer">{above > 0 ? `${above}:${two(minutes)}` : minutes}:{two(seconds)}</b>;
}
