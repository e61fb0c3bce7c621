/**
 * What only somebody signed in sees; everybody else signs in first, and comes back. Where the session has ended in the
 * middle, the page stays as it is, unseen, until the same person is back: what was typed there is not lost.
 */
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { Navigate, useLocation } from 'react-router';
import type { User } from '../api/types';
import { session } from '../lib/session';
import { useValue } from '../lib/store';
import { Loading, Skeleton } from '../ui/parts';
import { ComeBack } from './ComeBack';

export function Guard({ children }: { children: (user: User) => ReactNode }): ReactNode {
  const who = useValue(session);
  const [last, setLast] = useState<User | null>(null);
  if (who.state === 'in' && who.user !== last) setLast(who.user);
  const { pathname, search } = useLocation();
  const lost = who.state === 'out' && who.lost;
  const user = who.state === 'in' ? who.user : lost ? last : null;
  // Who is back goes on where he was, by keyboard, too.
  const page = useRef<HTMLDivElement>(null);
  const focused = useRef<HTMLElement | null>(null);
  useEffect(() => {
    if (!lost) return undefined;
    const whole = page; // Not its element of now: that may be another one by then.
    return () => {
      for (const each of [focused.current, whole.current])
        if (document.activeElement === document.body) each?.focus({ preventScroll: true });
    };
  }, [lost]);
  if (who.state === 'unknown')
    return <div className="page"><Loading><Skeleton className="line wide" /><Skeleton className="block" /></Loading></div>;
  const signInPage = `/store/sign-in?to=${encodeURIComponent(pathname + search)}`;
  if (!user) return <Navigate to={signInPage} replace />;
  return (
    <>
      {lost && <ComeBack user={user} other={signInPage} />}
      {/* Somebody else signed in, here or in another tab: nothing that was typed or chosen here is his. */}
      <div key={user.id} hidden={lost} ref={page} tabIndex={-1} onFocus={({ target }) => { focused.current = target; }}>{children(user)}</div>
    </>
  );
}
