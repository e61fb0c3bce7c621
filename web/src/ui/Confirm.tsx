/**
 * A question before something that cannot be taken back. It lies above the whole page; where the session was lost it
 * makes way for signing in, and is there again afterwards.
 */
import { AlertDialog } from '@base-ui/react/alert-dialog';
import type { ReactNode } from 'react';
import { session } from '../lib/session';
import { useValue } from '../lib/store';

export function Confirm({ open, onClose, title, text, children }: {
  open: boolean; onClose: () => void; title: string; text?: string; children: ReactNode;
}): ReactNode {
  const who = useValue(session);
  const lost = who.state === 'out' && who.lost;
  return (
    <AlertDialog.Root open={open && !lost} onOpenChange={(next) => { if (!next) onClose(); }}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="backdrop" />
        <AlertDialog.Popup className="dialog">
          <AlertDialog.Title className="dialog-title">{title}</AlertDialog.Title>
          {text && <AlertDialog.Description className="dialog-text">{text}</AlertDialog.Description>}
          {children}
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
