/** What somebody else changed while this form was open: both values of each field, and which of them shall stand. */
import { useId, type ReactNode } from 'react';
import type { Difference, Fields, Name } from './terms';
import { useConsoleSpeech, type ConsoleWord } from './words';

const labels: Record<Name, ConsoleWord> = {
  name: 'products.name', description: 'products.description', category: 'products.category', kind: 'products.kind',
  amount: 'products.amount', currency: 'products.currency', opensAt: 'products.opensAt', closesAt: 'products.closesAt',
  perUserLimit: 'products.limit', publishAt: 'products.publishAt',
};

export function Conflicts({ conflicts, taken, fields, onChoose }: {
  conflicts: Difference[]; taken: Difference[]; fields: Fields; onChoose: (name: Name, value: string) => void;
}): ReactNode {
  const { t } = useConsoleSpeech();
  const id = useId();
  const shown = (value: string): string => value || t('products.empty');
  return (
    <section className="conflict" role="alert" aria-labelledby={id}>
      <h2 id={id}>{t('products.stale')}</h2>
      <p>{t(conflicts.length > 0 ? 'products.stale.choose' : 'products.stale.merged')}</p>
      {conflicts.map(({ name, mine, theirs }) => (
        <fieldset key={name}>
          <legend>{t(labels[name])}</legend>
          {([['products.mine', mine], ['products.theirs', theirs]] as const).map(([who, value]) => (
            <label key={who} className="choice">
              <input type="radio" name={`${id}-${name}`} checked={fields[name] === value} onChange={() => onChoose(name, value)} />
              <span><b>{t(who)}</b> {shown(value)}</span>
            </label>
          ))}
        </fieldset>
      ))}
      {taken.length > 0 && (
        <ul>
          {taken.map(({ name, mine, theirs }) => <li key={name}>{t('products.taken', { field: t(labels[name]), before: shown(mine), now: shown(theirs) })}</li>)}
        </ul>
      )}
    </section>
  );
}
