/**
 * A button that does something at once. While that is under way it takes no second press, and none for a moment after
 * what it means has changed by itself: that one was aimed at what stood there before.
 */
import { useState, type ComponentProps, type ReactNode } from 'react';
import { useMeaning } from '../lib/meaning';
import { Button, Spinner } from '../ui/parts';

type Props = Omit<ComponentProps<typeof Button>, 'onClick'> & { work: () => Promise<unknown>; means?: string };

export function WorkButton({ work, means = '', children, ...rest }: Props): ReactNode {
  const [busy, setBusy] = useState(false);
  const { fresh } = useMeaning(means, busy);
  const press = async (): Promise<void> => {
    if (busy || fresh) return;
    setBusy(true);
    try {
      await work();
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button {...rest} aria-busy={busy} aria-disabled={fresh || undefined} onClick={() => void press()}>
      {busy && <Spinner />}{children}
    </Button>
  );
}
