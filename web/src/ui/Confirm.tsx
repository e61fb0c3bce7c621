/** A question before something that cannot be taken back. */
import { AlertDialog } from '@base-ui/react/alert-dialog';
import type { ReactNode } from 'react';

export function Confirm({ open, onClose, title, text, children }: {
  open: boolean; onClose: () => void; title: string; text?: string; children: ReactNode;
}): ReactNode {
  return (
    <AlertDialog.Root open={open} onOpenChange={(next) => { if (!next) onClose(); }}>
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
