/** Why orders are refused: the names of reasons, their colours, and how often each. */
import type { ReactNode } from 'react';
import { useConsoleSpeech } from './words';

export function useReasonName(): (reason: string) => string {
  const { t } = useConsoleSpeech();
  const known = ['sold_out', 'sale_not_open', 'sale_closed', 'limit_exceeded', 'insufficient_stock', 'rate_limited', 'overloaded',
    'unauthenticated', 'validation', 'product_not_found', 'email_unverified', 'recovering', 'unavailable', 'idempotency_mismatch'] as const;
  return (reason) => {
    const found = known.find((each) => each === reason);
    return found ? t(`reason.${found}`) : reason;
  };
}

export const reasonColours = ['--bad', '--link', '--warn', '--muted'];

/** `sums`: those that refused most first. */
export function RefusalBars({ title, none, sums, children }: {
  title: string; none: string; sums: [string, number][]; children?: ReactNode;
}): ReactNode {
  const { number } = useConsoleSpeech();
  const nameOf = useReasonName();
  return (
    <section className="panel" aria-labelledby="refusals">
      <h2 id="refusals">{title}</h2>
      {sums.length === 0 ? <p className="muted">{none}</p> : (
        <ul className="bars">
          {sums.map(([reason, count]) => (
            <li key={reason} title={reason}><span>{nameOf(reason)}</span><b>{number(count)}</b><meter aria-label={nameOf(reason)} min={0} max={sums[0]![1]} value={count} /></li>
          ))}
        </ul>
      )}
      {children}
    </section>
  );
}
